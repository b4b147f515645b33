import { describe, expect, it } from "vitest";
import type { ReadRun } from "../tree/tree-reader.ts";
import { BaseEntries } from "./base-entries.ts";
import { MovedEntries } from "./moved-entries.ts";

function entriesOf(names: readonly string[]): { readonly moved: MovedEntries; readonly readings: () => number } {
  let readings = 0;
  const read = (): Iterator<ReadRun> => {
    readings += 1;
    const entries = names.map((path) => ({
      entry: { path, type: "file", mode: 0o600, uid: 0, gid: 0, mtime_ns: "0", size: 0 },
      content: { kind: "none" },
    }));
    return [{ reference: {}, entries } as unknown as ReadRun].values();
  };
  return { moved: new MovedEntries(new BaseEntries(read)), readings: () => readings };
}

describe("MovedEntries", () => {
  it("finds what is asked for in stored order in one reading", () => {
    const { moved, readings } = entriesOf(["a", "b", "c", "d"]);
    expect(["a", "c", "d"].map((path) => moved.find(path)?.entry.path)).toEqual(["a", "c", "d"]);
    expect(readings()).toBe(1);
  });

  it("begins anew for what lies in front, and some day no more", () => {
    const { moved, readings } = entriesOf(["a", "b"]);
    const found = Array.from({ length: 100 }, () => [moved.find("b"), moved.find("a")].filter((entry) => entry !== undefined).length);
    expect(found[0]).toBe(2);
    // What lies ahead is found for ever.
    expect(found.at(-1)).toBe(1);
    expect(readings()).toBeLessThan(20);
  });
});
