import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { holdfast, LAUNCHER } from "../support/holdfast.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

function instance(folder: string, importance: string): (...args: string[]) => ReturnType<typeof holdfast> {
  writeTree(folder, {
    "holdfast.yaml": `name: i\ncomponents:\n  main: { path: main.txt }\n  watched: { path: watched, importance: ${importance} }\nbackup: { path: backups }\n`,
    "main.txt": "main",
    "watched/a.txt": "a",
  });
  return (...args) => holdfast(["--config", join(folder, "holdfast.yaml"), ...args]);
}

/** importance, exit code when the component is missing or unreadable, exit code when it is emptied. */
const CASES = [
  ["critical", 1, 1],
  ["high", 3, 3],
  ["medium", 0, 3],
] as const;

describe("importance", () => {
  it.each(CASES)("a missing component that is %s makes the backup exit with %i", async (importance, missing) => {
    using folder = temporaryFolder();
    const run = instance(folder.path, importance);
    rmSync(folder.join("watched"), { recursive: true });
    const taken = await run("backup", "--json");
    expect(taken.exitCode).toBe(missing);
    if (importance === "critical") expect(taken.json()).toMatchObject({ error: { code: "COMPONENT_MISSING" } });
    else expect(taken.json()).toMatchObject({ not_captured: [{ name: "watched", code: "COMPONENT_MISSING" }] });
  });

  it.each(CASES)("an emptied component that is %s is an alarm", async (importance, _missing, emptied) => {
    using folder = temporaryFolder();
    const run = instance(folder.path, importance);
    expect((await run("backup")).exitCode).toBe(0);
    rmSync(folder.join("watched", "a.txt"));
    const taken = await run("backup");
    expect(taken.exitCode).toBe(emptied);
    expect(taken.stderr).toContain("is empty, and held 1 bytes in its newest good backup");
  });

  it("a folder that was always empty is no failure", async () => {
    using folder = temporaryFolder();
    const run = instance(folder.path, "critical");
    rmSync(folder.join("watched", "a.txt"));
    expect((await run("backup")).exitCode).toBe(0);
    expect((await run("backup")).exitCode).toBe(0);
  });

  it.skipIf(process.getuid?.() !== 0).each(CASES)(
    "a component that is %s and cannot be read by this account makes the backup exit with %i",
    async (importance, unreadable) => {
      using folder = temporaryFolder();
      instance(folder.path, importance);
      execFileSync("chown", ["-R", "65534:65534", folder.path]);
      execFileSync("chown", ["root:root", folder.join("watched")]);
      execFileSync("chmod", ["700", folder.join("watched")]);
      const run = (...args: string[]): ReturnType<typeof asUser> =>
        asUser(65534, [process.execPath, LAUNCHER, "--config", folder.join("holdfast.yaml"), ...args]);
      const taken = await run("backup", "--json");
      expect(taken.stderr).toBe("");
      expect(taken.exitCode, taken.stdout).toBe(unreadable);
      if (importance === "critical") expect(taken.json()).toMatchObject({ error: { code: "COMPONENT_UNREADABLE" } });
      else expect(taken.json()).toMatchObject({ not_captured: [{ name: "watched", code: "COMPONENT_UNREADABLE" }] });
      const status = await run("status");
      expect(status.exitCode).toBe(importance === "critical" ? 4 : 0);
      expect(status.stdout).toMatch(/there is no good backup|never backed up/);
    },
  );

  it("a backup with nothing in it is a failure", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "holdfast.yaml": "name: i\ncomponents:\n  only: { path: gone, importance: high }\nbackup: { path: backups }\n",
    });
    const taken = await holdfast(["--config", folder.join("holdfast.yaml"), "backup", "--json"]);
    expect(taken.exitCode).toBe(1);
    expect(taken.json()).toMatchObject({ error: { code: "BACKUP_EMPTY" } });
  });

  it("the vault and the state folder inside a component are left out, and said so", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("all"));
    writeFileSync(folder.join("all", "x.txt"), "x");
    writeTree(folder.path, {
      "all/holdfast.yaml": "name: i\ncomponents:\n  all: { path: . }\nbackup: { path: backups, compression: false }\n",
    });
    const run = (...args: string[]) => holdfast(["--config", folder.join("all", "holdfast.yaml"), ...args]);
    expect((await run("backup")).exitCode).toBe(0);
    expect((await run("backup")).exitCode).toBe(0);
    const shown = (await run("backup", "show", "latest", "--json")).json<{
      manifest: { component_details: { all: { omissions: { path: string; harmless: boolean }[] } } };
    }>();
    const omitted = shown.manifest.component_details.all.omissions;
    expect(omitted.map(({ path }) => path).toSorted()).toEqual([".holdfast", "backups"]);
    expect(omitted.every(({ harmless }) => harmless)).toBe(true);
  });
});
