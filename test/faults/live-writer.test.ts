import { describe, expect, it } from "vitest";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { readBank } from "../support/bank.ts";
import { holdfast } from "../support/holdfast.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";
import { writerProcess } from "../support/writer-process.ts";

/** The number is 200; it takes minutes, so the soak tier runs all of them and this tier a part. */
const BACKUPS = Number(process.env["HOLDFAST_TEST_BACKUPS"] ?? 40);

describe.each(["wal", "delete"] as const)("a process commits 200 transactions a second in %s mode", (mode) => {
  it(`${BACKUPS} backups in a row are whole committed states, none older than what was committed before it began`, async () => {
    using folder = temporaryFolder();
    const { config, database, vault } = makeWorkspace(folder.path, { compression: false, mode });
    await using writer = await writerProcess(database, { mode, tps: 200 });
    let last = 0;
    for (let n = 0; n < BACKUPS; n += 1) {
      const before = writer.committed();
      const taken = await holdfast(["--config", config, "backup", "--component", "persistence", "--json"]);
      expect(taken.exitCode, taken.stdout).toBe(0);
      const { id } = taken.json<{ id: string }>();
      const copy = readBank(join(vault, id, "synthorg.db"));
      expect(copy.last).toBeGreaterThanOrEqual(before);
      expect(copy.last).toBeGreaterThanOrEqual(last);
      last = copy.last;
      // readBank opens the copy like anybody would; what it leaves beside it is not the backup's.
      for (const sidecar of ["-wal", "-shm"]) rmSync(join(vault, id, `synthorg.db${sidecar}`), { force: true });
    }
    const committed = await writer.stop();
    expect(committed).toBeGreaterThan(last);
    const verified = await holdfast(["--config", config, "verify", "--all"], { timeout: 300_000 });
    expect(verified.exitCode, verified.stdout).toBe(0);
  });
});
