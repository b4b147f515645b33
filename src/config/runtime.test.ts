import { describe, expect, it } from "vitest";
import { testPlace } from "./test-place.ts";

const REST = { components: { state: { path: "state.json" } }, backup: { path: "/vault" } };

describe("loadConfig() of `runtime`", () => {
  it("is null when none is declared", () => {
    using place = testPlace();
    expect(place.load(JSON.stringify(REST)).runtime).toBeNull();
  });

  it("reads how to stop, start and ask, with defaults, and a program beside the configuration", () => {
    using place = testPlace();
    const runtime = {
      stop: ["docker", "compose", "stop"],
      start: ["./start"],
      health: { url: "http://127.0.0.1:3312/api/persistence/health", expect: { "/status": "healthy" } },
    };
    expect(place.load(JSON.stringify({ ...REST, runtime })).runtime).toEqual({
      stop: ["docker", "compose", "stop"],
      start: [place.join("start")],
      timeout: 60_000,
      health: { url: "http://127.0.0.1:3312/api/persistence/health", status: 200, expect: { "/status": "healthy" }, timeout: 60_000 },
    });
    const command = { stop: ["a"], start: ["b"], timeout: "5s", health: { command: ["c", "d"], timeout: "2m" } };
    expect(place.load(JSON.stringify({ ...REST, runtime: command })).runtime).toEqual({
      stop: ["a"],
      start: ["b"],
      timeout: 5000,
      health: { command: ["c", "d"], timeout: 120_000 },
    });
  });

  it.each([
    [{ stop: ["a"] }, "runtime.start"],
    [{ start: ["a"] }, "runtime.stop"],
    [{ stop: "a", start: ["a"] }, "runtime.stop"],
    [{ stop: [], start: ["a"] }, "runtime.stop"],
    [{ stop: ["a"], start: ["b"], health: {} }, "runtime.health"],
    [{ stop: ["a"], start: ["b"], health: { url: "http://h/", command: ["c"] } }, "runtime.health"],
    [{ stop: ["a"], start: ["b"], health: { command: ["c"], expect: { "/a": 1 } } }, "runtime.health.expect"],
    [{ stop: ["a"], start: ["b"], health: { url: "ftp://h/" } }, "runtime.health.url"],
    [{ stop: ["a"], start: ["b"], health: { url: "http://me:secret@h/" } }, "runtime.health.url"],
    [{ stop: ["a"], start: ["b"], health: { url: "http://h/", expect: { status: "ok" } } }, "runtime.health.expect"],
    [{ stop: ["a"], start: ["b"], health: { url: "http://h/", status: 99 } }, "runtime.health.status"],
  ])("refuses %j, and names %s", (runtime, key) => {
    using place = testPlace();
    const problems = place.problems(JSON.stringify({ ...REST, runtime }, null, 2));
    expect(problems.map((problem) => problem.key).some((told) => told.startsWith(key))).toBe(true);
    expect(JSON.stringify(problems)).not.toContain("secret");
    expect(problems.every(({ line = 0 }) => line > 1)).toBe(true);
  });

  it("refuses `restore` of a component that is no command's output", () => {
    using place = testPlace();
    const problems = place.problems(JSON.stringify({ ...REST, components: { state: { path: "a", restore: ["b"] } } }));
    expect(problems.map(({ message }) => message)).toEqual(["`restore` has an effect with `command` only"]);
  });
});
