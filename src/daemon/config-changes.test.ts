import { describe, expect, it } from "vitest";
import { configChanges } from "./config-changes.ts";

describe("configChanges()", () => {
  it("names what differs by its place, and named things by their name", () => {
    const before = { name: "acme", tasks: [{ name: "kbSync", schedule: { every: 1000 }, position: { line: 1 } }], gone: true };
    const after = {
      name: "acme",
      tasks: [
        { name: "dream", heavy: null },
        { name: "kbSync", schedule: { every: 500 }, position: { line: 9 } },
      ],
    };
    expect(configChanges(before, after)).toEqual([
      "tasks.kbSync.schedule.every: 1000 -> 500",
      "gone: true -> absent",
      'tasks.dream.name: absent -> "dream"',
      "tasks.dream.heavy: absent -> null",
    ]);
  });

  it("finds nothing between two that say the same", () => {
    expect(configChanges({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toEqual([]);
  });
});
