import { describe, expect, it } from "vitest";
import { DAY, ends, taskOf, taskStage } from "../../test/support/task-stage.ts";
import { lossOf } from "./loss-of.ts";
import { failedToStart } from "./run-task.ts";

const BACKUP = { builtin: "backup" } as const;

describe("lossOf()", () => {
  it.each([
    ["ended-by-signal", "ENGINE_KILLED"],
    ["exit-code", "ENGINE_KILLED"],
    ["not-started", "ENGINE_KILLED"],
    ["deadline", "DEADLINE"],
    ["stalled", "DEADLINE"],
    // It has said so itself, or was stopped together with its daemon.
    ["COMPONENT_MISSING", undefined],
    ["interrupted", undefined],
  ])("a backup that failed with %s is lost with %s", (reasonCode, code) => {
    expect(lossOf(BACKUP, failedToStart(reasonCode, "why"))?.code).toBe(code);
    expect(lossOf({ builtin: null }, failedToStart(reasonCode, "why"))).toBeNull();
  });
});

describe("Orchestrator.poll()", () => {
  it("tells of a backup that was killed before its run is closed, and of none that says itself why it failed", async () => {
    await using stage = taskStage();
    const lost: unknown[] = [];
    for (const script of ["kill -9 $$", `echo '{"error":{"code":"NO_SPACE","message":"no"}}'; exit 1`]) {
      const task = { ...taskOf("backup", script), ...BACKUP };
      stage.seen(DAY, task);
      const tell = async ({ code }: { readonly code: string }, since: number): Promise<void> =>
        void lost.push([code, since, stage.ledger.running().length]);
      // oxlint-disable no-await-in-loop -- one run after the other
      expect(await ends(await stage.orchestrator([task], { lost: tell }).poll())).toEqual(["failed"]);
      // oxlint-enable no-await-in-loop
      expect(lost).toEqual([["ENGINE_KILLED", expect.any(Number), 1]]);
      stage.now += DAY;
    }
  });

  it("tells of a backup for which the lease could not be asked", async () => {
    await using stage = taskStage();
    const task = { ...taskOf("backup", "true"), ...BACKUP };
    stage.seen(DAY, task);
    const lost: unknown[] = [];
    const keeper = { ...stage.keeper, acquire: () => Promise.reject(new Error("the store is damaged")) };
    const orchestrator = stage.orchestrator([task], { keeper, lost: async ({ message }) => void lost.push(message) });
    expect(await orchestrator.poll()).toEqual([]);
    expect(lost).toEqual([expect.stringContaining("the store is damaged")]);
  });
});
