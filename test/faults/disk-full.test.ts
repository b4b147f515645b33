import { randomBytes } from "node:crypto";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/holdfast.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";

const SIZE = 6_000_000;

/** Bytes left free when the backup begins: from nothing to nearly enough, so that each stage runs dry once. */
const FREE = [0, 20_000, 60_000, 150_000, 300_000, 600_000, 900_000];

describe.each([
  ["archive", true],
  ["plain folder", false],
] as const)("disk full, %s", (_form, compression) => {
  it(
    "at each stage a backup fails with its name, lists nothing new, and works again once there is space",
    { timeout: 240_000 },
    async (test) => {
      using folder = temporaryFolder();
      using disk = mountTmpfs(SIZE, test);
      const { config, folder: top } = makeWorkspace(folder.path, { compression, vault: join(disk.path, "vault") });
      const run = (...args: string[]) => holdfast(["--config", config, ...args]);
      expect((await run("backup")).exitCode).toBe(0);
      for (let n = 0; n < 10; n += 1) writeFileSync(join(top, "data", "memory", `noise-${n}.bin`), randomBytes(100_000));
      let failures = 0;
      for (const free of FREE) {
        const filler = join(disk.path, "filler");
        const { bavail, bsize } = statfsSync(disk.path);
        writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - free)));
        const taken = await run("backup", "--json");
        if (taken.exitCode !== 0) {
          failures += 1;
          expect(taken.exitCode).toBe(1);
          expect(taken.json(), taken.stdout).toMatchObject({ error: { code: "NO_SPACE" } });
        }
        const listed = (await run("backup", "list", "--json")).json<{ backups: { id: string }[]; damaged: unknown[] }>();
        expect(listed.damaged).toEqual([]);
        expect(listed.backups).toHaveLength(taken.exitCode === 0 ? 2 : 1);
        rmSync(filler);
        if (taken.exitCode === 0) break;
      }
      expect(failures).toBeGreaterThanOrEqual(4);
      const good = await run("backup", "--json");
      expect(good.exitCode, good.stdout).toBe(0);
      expect((await run("verify", "--all")).exitCode).toBe(0);
    },
  );
});
