import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { readBank } from "./bank.ts";
import { holdfast } from "./holdfast.ts";
import { documentOf, type BackupDocument } from "./instance.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { makeWorkspace } from "./workspace.ts";
import { writerProcess } from "./writer-process.ts";

/** All of them are read back in the end. */
const KEEP_ALL = { HOLDFAST_BACKUP__RETENTION__MAX_COUNT: "1000" };
/** How often another process commits meanwhile. */
const TRANSACTIONS_A_SECOND = 200;

/**
 * Takes that many backups in a row while another process commits. Each must be one whole committed state, no older than
 * what was committed before it began and than the one before it, and all of them must verify in the end.
 *
 * @returns the last transaction in each backup
 */
export async function backUpUnderWriter(
  mode: "wal" | "delete",
  backups: number,
  form: "directory" | "repository" = "directory",
): Promise<readonly number[]> {
  using folder = temporaryFolder();
  const { config, database, vault } = makeWorkspace(folder.path, { form, mode });
  await using writer = await writerProcess(database, { mode, tps: TRANSACTIONS_A_SECOND });
  const reached: number[] = [];
  for (let n = 0; n < backups; n += 1) {
    const before = writer.committed();
    const { id } = documentOf<BackupDocument>(
      await holdfast(["--config", config, "backup", "--component", "persistence", "--json"], { env: KEEP_ALL }),
      0,
    );
    const place = form === "directory" ? join(vault, id) : folder.join("restored", id);
    if (form !== "directory") documentOf(await holdfast(["--config", config, "restore", id, "--to", place, "--json"]), 0);
    const copy = readBank(join(place, "synthorg.db"));
    expect(copy.last).toBeGreaterThanOrEqual(before);
    expect(copy.last).toBeGreaterThanOrEqual(reached.at(-1) ?? 0);
    reached.push(copy.last);
    // readBank opens the copy like anybody would; what it leaves beside it is not the backup's.
    for (const sidecar of ["-wal", "-shm"]) rmSync(join(place, `synthorg.db${sidecar}`), { force: true });
  }
  const committed = await writer.stop();
  expect(committed).toBeGreaterThan(reached.at(-1) ?? 0);
  const verified = documentOf<{ results: readonly { ok: boolean }[] }>(
    await holdfast(["--config", config, "verify", "--all", "--json"], { timeout: 3_600_000 }),
    0,
  );
  expect(verified.results).toHaveLength(backups);
  return reached;
}
