import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** In a process of its own: this one has its threads. */
function threadsAfter(env: NodeJS.ProcessEnv): unknown {
  const script = `
    import { readdirSync } from "node:fs";
    import { widenThreadPool } from ${JSON.stringify(new URL("./thread-pool.ts", import.meta.url).href)};
    const count = () => readdirSync("/proc/self/task").length;
    const before = count();
    widenThreadPool();
    console.log(JSON.stringify({ more: count() - before, set: process.env.UV_THREADPOOL_SIZE ?? null }));`;
  // What would load modules by the pool must not be before it.
  const loaded = `data:text/javascript,${encodeURIComponent(script)}`;
  return JSON.parse(
    execFileSync(process.execPath, ["-e", `require("node:fs"); import(${JSON.stringify(loaded)})`], { env, encoding: "utf8" }),
  );
}

describe("widenThreadPool()", () => {
  it("gives the process sixteen threads, and its children nothing", () => {
    expect(threadsAfter({})).toEqual({ more: 16, set: null });
  });
  it("leaves what the user has set", () => {
    expect(threadsAfter({ UV_THREADPOOL_SIZE: "2" })).toEqual({ more: 0, set: "2" });
  });
});
