import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentOf, makeInstance, type BackupDocument, type StatusDocument } from "../support/instance.ts";
import { shiftedClock } from "../support/shifted-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const DAY = 86_400_000;

describe("a clock that was set back", () => {
  it("is said; backups go on, number for number, none takes the place of another, and status goes by the one taken last", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "main.txt": "main", "memory/a.md": "a" });
    const { run, runWith } = makeInstance(folder.path, "  main: { path: main.txt }\n  memory: { path: memory, importance: critical }");
    const ahead = documentOf<BackupDocument>(await runWith(shiftedClock(folder.path, 3 * DAY), "backup", "--json"), 0);
    const now = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(now.id < ahead.id).toBe(true);
    expect(now.warnings[1]).toContain("nothing is pruned");
    expect(now.warnings.slice(0, 1)).toEqual([expect.stringContaining(`backup ${ahead.id} is from later than that`)]);
    const second = documentOf<BackupDocument>(await runWith(shiftedClock(folder.path, -3 * DAY), "backup", "--json"), 0);
    const list = documentOf<{ backups: { id: string; sequence: number }[]; missing: number[]; chain: string[] }>(
      await run("backup", "list", "--json"),
      0,
    );
    expect(list.backups.map(({ id, sequence }) => [id, sequence])).toEqual([
      [ahead.id, 1],
      [now.id, 2],
      [second.id, 3],
    ]);
    expect([list.missing, list.chain]).toEqual([[], []]);
    expect((await run("verify", "--all")).exitCode).toBe(0);
    // By its own clock the one taken last is three days old, and nothing else says how old it is.
    expect(documentOf<StatusDocument>(await run("status", "--json"), 4).problems).toEqual([expect.stringContaining(ahead.id)]);

    // The newest by its time is a good one from before; the one taken last lacks a component that mattered then.
    rmSync(folder.join("memory"), { recursive: true });
    const { run: lenient } = makeInstance(folder.path, "  main: { path: main.txt }\n  memory: { path: memory, importance: high }");
    documentOf<BackupDocument>(await lenient("backup", "--json"), 3);
    const { run: strict } = makeInstance(folder.path, "  main: { path: main.txt }\n  memory: { path: memory, importance: critical }");
    const status = documentOf<StatusDocument>(await strict("status", "--json"), 4);
    expect(status.components.find(({ name }) => name === "memory")).toMatchObject({ safe: false });
  });
});
