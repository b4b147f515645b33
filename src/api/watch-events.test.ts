import { describe, expect, it } from "vitest";
import type { ApiEvent, RunDocument } from "../contract/index.ts";
import type { LeaseView } from "../operations/index.ts";
import { watchEvents } from "./watch-events.ts";

const run = (run_id: string, outcome: RunDocument["outcome"]): RunDocument => ({
  run_id,
  kind: "task",
  task: "kbSync",
  trigger: "manual",
  outcome,
  reason_code: null,
  reason: null,
  started_at: "2026-03-15T12:00:00.000Z",
  ended_at: null,
  backup_id: null,
  progress: null,
  result: null,
  problem: null,
  exit_code: null,
  last_lines: null,
});
const HELD: LeaseView = {
  generation: 7,
  stored: "held",
  state: "held",
  owner: "kbSync",
  reason: "manual",
  pid: 1,
  host: "box",
  since: "2026-03-15T12:00:00.000Z",
  doing: null,
  progress: null,
  seq: null,
  progressAt: null,
  fence: null,
  alive: [],
  reservedFor: null,
  yieldRequestedBy: null,
};

describe("watchEvents()", () => {
  it("tells changes of the lease and of runs since the look before, and nothing at the first", async () => {
    const told: ApiEvent[] = [];
    let lease: LeaseView | null = null;
    let runs: RunDocument[] = [run("task-1", "completed")];
    const watch = watchEvents({
      lease: async () => lease,
      runs: () => runs,
      publish: (event) => void told.push(event),
      now: () => "now",
      onFailure: (error) => {
        throw error;
      },
    });
    await watch.look();
    await watch.look();
    expect(told).toEqual([]);
    lease = HELD;
    runs = [run("task-2", "running"), ...runs];
    await watch.look();
    lease = { ...HELD, doing: "half", progress: 0.5 };
    await watch.look();
    lease = { ...HELD, state: "free" };
    runs = [run("task-3", "failed"), run("task-2", "completed"), run("task-1", "completed")];
    await watch.look();
    expect(
      told.map((event) => ("run" in event ? `${event.type} ${event.run.run_id}` : `${event.type} ${event.lease?.owner ?? "nobody"}`)),
    ).toEqual(["lease.changed kbSync", "run.started task-2", "lease.changed nobody", "run.finished task-2", "run.finished task-3"]);
  });
});
