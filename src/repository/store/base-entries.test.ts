import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PackId } from "../pack/locator.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import type { ReadRun } from "../tree/tree-reader.ts";
import { BaseEntries } from "./base-entries.ts";

function folder(path: string): TreeEntry {
  return { entry: { path, type: "directory", mode: 0o755, uid: 0, gid: 0, mtime_ns: "0", size: 0 }, content: { kind: "none" } };
}

/** Runs of three entries, and how often somebody began to read them. */
function runsOf(paths: readonly string[]): {
  readonly runs: readonly ReadRun[];
  readonly entries: BaseEntries;
  readonly begun: () => number;
} {
  const runs = Array.from({ length: Math.ceil(paths.length / 3) }, (_, number): ReadRun => {
    const entries = paths.slice(number * 3, number * 3 + 3).map(folder);
    const place = { pack: "00000000000000aa" as PackId, frame: number, offset: 0, length: 9 };
    return { reference: { place, hash: "00".repeat(16), entries: entries.length }, entries };
  });
  let begun = 0;
  const read = (): Iterator<ReadRun> => {
    begun += 1;
    return runs[Symbol.iterator]();
  };
  return { runs, entries: new BaseEntries(read), begun: () => begun };
}

const NAMES = Array.from({ length: 40 }, (_, number) => `name-${100 + number}`);

describe("BaseEntries", () => {
  it("finds what is there, and nothing else, in one reading by somebody who asks in order, more than once as well", () => {
    const there = fc.subarray(NAMES);
    fc.assert(
      fc.property(there, there, (before, now) => {
        const { entries, begun } = runsOf(before);
        for (const path of now)
          for (const _ of ["first", "again"]) expect(entries.find(path)?.entry.path).toBe(before.includes(path) ? path : undefined);
        expect(begun()).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("reads from the beginning for somebody who goes back", () => {
    const { entries, begun } = runsOf(NAMES);
    for (const path of ["name-130", "name-101", "name-102", "name-139"]) expect(entries.find(path)?.entry.path).toBe(path);
    expect(begun()).toBe(2);
  });

  it("gives the run that begins with a path once it was read, and the very entries", () => {
    const { runs, entries } = runsOf(NAMES);
    expect(entries.runFrom("name-103")).toBeUndefined();
    const found = entries.find("name-107");
    expect(entries.runFrom("name-106")).toBe(runs[2]);
    expect(found).toBe(runs[2]?.entries[1]);
    expect([entries.runFrom("name-103"), entries.runFrom("name-107")]).toEqual([undefined, undefined]);
  });

  it("forgets runs that nobody asks for", () => {
    const many = Array.from({ length: 9000 }, (_, number) => `name-${10_000 + number}`);
    const { entries, runs } = runsOf(many);
    entries.find("name-18999");
    expect(entries.runFrom("name-10000")).toBeUndefined();
    expect(entries.runFrom("name-18000")).toBe(runs.find((run) => run.entries[0]?.entry.path === "name-18000"));
  });
});
