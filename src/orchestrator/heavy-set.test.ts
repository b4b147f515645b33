import { describe, expect, it } from "vitest";
import { DEFAULT_TASK_NAMES } from "../../test/support/task-stage.ts";
import { DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES, heavySet } from "./heavy-set.ts";

describe("field notes: neomjs/neo#11513: DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES", () => {
  it("are exactly these six, frozen", () => {
    expect(DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES).toEqual(["summary", "kbSync", "backup", "primary-dev-sync", "dream", "golden-path"]);
    expect(Object.isFrozen(DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES)).toBe(true);
    expect(() => (DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES as string[]).push("restore")).toThrow(TypeError);
  });

  it("are the names that the configuration knows", () => {
    expect(DEFAULT_TASK_NAMES).toEqual(DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES);
  });
});

describe("heavySet()", () => {
  it("is an instance's own: what it adds and takes away changes neither the default nor another's", () => {
    const own = heavySet([
      { name: "reindex", heavy: true },
      { name: "dream", heavy: false },
      { name: "sweep", heavy: undefined },
    ]);
    expect([...own].toSorted()).toEqual(["backup", "golden-path", "kbSync", "primary-dev-sync", "reindex", "summary"]);
    expect([...heavySet([])]).toEqual([...DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES]);
    (own as Set<string>).clear();
    expect(heavySet([]).size).toBe(6);
  });
});
