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

  it("gives a run to somebody who comes to its first entry, and hides nothing from who asks for entries between", () => {
    const there = fc.subarray(NAMES);
    fc.assert(
      fc.property(there, there, fc.array(fc.boolean()), (before, now, takes) => {
        const { runs, entries, begun } = runsOf(before);
        const given: string[] = [];
        for (let next = 0; next < now.length; next += 1) {
          const path = now[next] as string;
          const run = entries.runAt(path);
          if (run !== undefined) expect(run).toBe(runs.find((one) => one.entries[0]?.entry.path === path));
          const isWhole = run?.entries.every(({ entry }, index) => entry.path === now[next + index]) === true;
          if (run !== undefined && isWhole && takes[next] !== false) {
            entries.pass(run);
            next += run.entries.length - 1;
            given.push(...run.entries.map(({ entry }) => entry.path));
          } else if (entries.find(path) !== undefined) {
            given.push(path);
            const behind = entries.behind().map(({ entry }) => entry.path);
            const same = behind.findIndex((other, index) => other !== now[next + 1 + index]);
            const skipped = takes[next] === true ? 0 : same < 0 ? behind.length : same;
            entries.skip(skipped);
            given.push(...behind.slice(0, skipped));
            next += skipped;
          }
        }
        expect(given).toEqual(now.filter((path) => before.includes(path)));
        expect(begun()).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  it("gives every run of a tree that is as it was", () => {
    const { runs, entries } = runsOf(NAMES);
    for (const run of runs) {
      expect(entries.runAt(run.entries[0]?.entry.path ?? "")).toBe(run);
      entries.pass(run);
    }
    expect(entries.runAt("name-999")).toBeUndefined();
    expect(entries.find("name-999")).toBeUndefined();
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
    expect(entries.runFrom("name-18600")).toBe(runs.find((run) => run.entries[0]?.entry.path === "name-18600"));
  });
});
