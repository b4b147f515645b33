import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeInstance } from "../../test/support/instance.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { InterruptedError } from "../kernel/index.ts";
import { openInstance } from "./index.ts";
import type { LeaseKeeper } from "../lease/index.ts";
import { runUnderLease } from "../operations/index.ts";

describe("runUnderLease()", () => {
  it("runs nothing and waits for nothing when the lease is taken away before its program was written down", async () => {
    using folder = temporaryFolder();
    const { config } = makeInstance(folder.path, "  state: { path: state.json }");
    const instance = openInstance({ config, env: process.env, cwd: folder.path });
    const started: number[] = [];
    const openLease = (): LeaseKeeper => {
      const keeper = instance.openLease();
      return {
        ...keeper,
        acquire: async (request) => {
          const answer = await keeper.acquire(request);
          if (answer.outcome === "held") return answer;
          const { addChild } = answer.lease;
          answer.lease.addChild = async (pid, label) => {
            started.push(pid);
            await keeper.break();
            await addChild(pid, label);
          };
          return answer;
        },
        [Symbol.asyncDispose]: async () => await keeper[Symbol.asyncDispose](),
      };
    };
    const run = runUnderLease(
      { ...instance, openLease },
      { owner: "script", argv: ["touch", folder.join("ran")], cwd: folder.path, wait: 0, interactive: false },
    );
    await expect(run).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(started).toHaveLength(1);
    await expect.poll(() => existsSync(`/proc/${started[0]}`), { timeout: 30_000, interval: 5 }).toBe(false);
    expect(existsSync(folder.join("ran"))).toBe(false);
  });

  it("runs nothing when the signal comes while the program is made ready", async () => {
    using folder = temporaryFolder();
    const { config } = makeInstance(folder.path, "  state: { path: state.json }");
    const opened = openInstance({ config, env: process.env, cwd: folder.path });
    const stop = new AbortController();
    const instance = {
      ...opened,
      // Read when the lease is there, and before the program has a process.
      get env() {
        stop.abort(new InterruptedError("INTERRUPTED", "Stopped by SIGTERM"));
        return opened.env;
      },
    };
    const argv = ["touch", folder.join("ran")];
    const run = runUnderLease(instance, { owner: "script", argv, cwd: folder.path, wait: 0, interactive: false, signal: stop.signal });
    await expect(run).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(existsSync(folder.join("ran"))).toBe(false);
    await using keeper = opened.openLease();
    expect((await keeper.inspect())?.state).toBe("free");
  });
});
