import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentOf, makeInstance, type StatusDocument } from "../support/instance.ts";
import { shiftedClock } from "../support/shifted-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const HOUR = 3_600_000;
const COMPONENTS = "  db: { path: db.txt }\n  notes: { path: notes, importance: high }";

describe("holdfast status", () => {
  it("exits 4 before the first backup and 0 after it, and counts one backup as one", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "db.txt": "1", "notes/a.md": "a" });
    const { run } = makeInstance(folder.path, COMPONENTS);
    const none = await run("status");
    expect([none.exitCode, none.stdout]).toEqual([4, expect.stringContaining("NOT SAFE")]);
    await run("backup");
    const one = await run("status");
    expect([one.exitCode, one.stdout]).toEqual([0, expect.stringContaining("instance: 1 backup in ")]);
    await run("backup");
    expect((await run("status")).stdout).toContain("instance: 2 backups in ");
  });

  it("exits 4 when a critical component is missing from the newest run, and 0 when another one is", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "db.txt": "1", "notes/a.md": "a" });
    const { run } = makeInstance(folder.path, COMPONENTS);
    await run("backup");
    rmSync(folder.join("notes"), { recursive: true });
    expect((await run("backup")).exitCode).toBe(3);
    expect((await run("status")).exitCode).toBe(0);
    rmSync(folder.join("db.txt"));
    expect((await run("backup")).exitCode).toBe(1);
    const failed = await run("status");
    expect([failed.exitCode, failed.stdout]).toEqual([4, expect.stringContaining("the newest run failed")]);
  });

  it("calls a state that no backup was taken of for twice the schedule overdue, and not safe", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "db.txt": "1", "notes/a.md": "a" });
    const { run, runWith } = makeInstance(folder.path, COMPONENTS);
    await run("backup");
    expect((await runWith(shiftedClock(folder.path, 11 * HOUR), "status")).exitCode).toBe(0);
    const late = await runWith(shiftedClock(folder.path, 13 * HOUR), "status", "--json");
    expect(documentOf<StatusDocument>(late, 4).components[0]).toMatchObject({ safe: false, problem: expect.stringContaining("overdue") });
  });

  it("stays one screen, whatever lies in the vault", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "db.txt": "1", "notes/a.md": "a" });
    const { run } = makeInstance(folder.path, COMPONENTS);
    await run("backup");
    writeTree(folder.join("backups"), Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`stray-${index}`, ""])));
    const { stdout } = await run("status");
    expect(stdout.split("\n").length).toBeLessThan(24);
    expect(stdout).toContain("and 192 more in the vault");
    expect(documentOf<StatusDocument>(await run("status", "--json"), 0).problems).toHaveLength(200);
  });
});
