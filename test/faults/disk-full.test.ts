import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/holdfast.ts";
import { documentOf, failureOf } from "../support/instance.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { packsIn, STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";

const SIZE = 6_000_000;

/** Bytes left free when the backup begins: from nothing to nearly enough, so that each stage runs dry once. */
const FREE = [0, 20_000, 60_000, 150_000, 300_000, 600_000, 900_000];

describe.each(STORED_FORMS)("disk full, %s", (_name, form) => {
  it(
    "at each stage a backup fails with its name, lists nothing new, and works again once there is space",
    { timeout: 240_000 },
    async (test) => {
      using folder = temporaryFolder();
      using disk = mountTmpfs(SIZE, test);
      const { config, folder: top } = makeWorkspace(folder.path, { form, vault: join(disk.path, "vault") });
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

function fill(folder: string, free = 0): Disposable {
  const filler = join(folder, "filler");
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - free)));
  return { [Symbol.dispose]: () => rmSync(filler) };
}

describe.each(STORED_FORMS)("a full disk under what comes after the backup, %s", (_name, form) => {
  it("restore and export fail by name and leave nothing that looks finished; verify tells damage although it cannot keep the verdict", async (test) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(SIZE, test);
    const { config, folder: top, vault } = makeWorkspace(folder.path, { form, vault: join(disk.path, "vault") });
    const run = (...args: string[]) => holdfast(["--config", config, ...args]);
    writeFileSync(join(top, "data", "memory", "noise.bin"), randomBytes(500_000));
    const { id } = (await run("backup", "--json")).json<{ id: string }>();
    {
      using _ = fill(disk.path, 200_000);
      expect(failureOf(await run("restore", id, "--to", join(disk.path, "out"), "--json"), 1).code).toBe("NO_SPACE");
      expect(readdirSync(join(disk.path, "out"))).toEqual([".holdfast-unfinished-restore"]);
      rmSync(join(disk.path, "out"), { recursive: true });
      expect(failureOf(await run("export", id, "--output", join(disk.path, "out.tar.gz"), "--json"), 1).code).toBe("NO_SPACE");
      expect(readdirSync(disk.path).toSorted()).toEqual(["filler", "vault"]);
    }
    {
      using _ = fill(disk.path);
      expect(failureOf(await run("backup", "pin", id, "--json"), 1).code).toBe("NO_SPACE");
      expect(failureOf(await run("verify", id, "--json"), 1).code).toBe("NO_SPACE");
      expect((await run("cat", id, "memory/notes/second.md")).stdout).toBe("# Second\n");
      const places = {
        "tar.gz": () => join(vault, `${id}.tar.gz`),
        directory: () => join(vault, id, "memory", "noise.bin"),
        repository: () => packsIn(vault)[0]?.path ?? "",
      };
      const stored = places[form]();
      const descriptor = openSync(stored, "r+");
      writeSync(descriptor, "not what was there", Math.floor(fstatSync(descriptor).size / 2));
      closeSync(descriptor);
      const damaged = documentOf<{ results: { ok: boolean; problem: string }[] }>(await run("verify", id, "--json"), 4);
      expect(damaged.results).toEqual([
        expect.objectContaining({ ok: false, problem: expect.stringContaining("; this verdict could not be kept: ") as string }),
      ]);
    }
    expect((await run("verify", id)).exitCode).toBe(4);
  });
});

describe("a full disk under the state folder", () => {
  it("a backup that cannot have the lease is refused, and that is not forgotten", async (test) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(SIZE, test);
    const { config } = makeWorkspace(folder.path, { extra: `state_dir: ${join(disk.path, "state")}\n` });
    const run = (...args: string[]) => holdfast(["--config", config, ...args]);
    expect((await run("backup")).exitCode).toBe(0);
    expect((await run("status")).exitCode).toBe(0);
    {
      using _ = fill(disk.path);
      expect(failureOf(await run("backup", "--json"), 1)).toMatchObject({
        code: "NO_SPACE",
        message: expect.stringContaining("lease store") as string,
      });
      expect((await run("status")).exitCode).toBe(4);
    }
    expect((await run("status")).stdout).toContain("the newest run failed");
    expect((await run("backup", "list", "--json")).json<{ backups: unknown[] }>().backups).toHaveLength(1);
    expect((await run("backup")).exitCode).toBe(0);
    expect((await run("status")).exitCode).toBe(0);
  });
});
