import { describe, expect, it } from "vitest";
import { fakeApi, type FakeApi } from "../../../test/support/fake-api.ts";

/** A run of the task, written down as it is after its end. */
function ran(served: FakeApi, task: string, now: number): number {
  using ledger = served.ledger();
  const run = ledger.claim({ task, kind: "task", trigger: "manual", now, presence: "gone", lastRunAt: "any" });
  if (run === null) throw new Error(`${task} runs already`);
  const end = {
    outcome: "completed",
    reasonCode: null,
    reason: null,
    exitCode: 0,
    signal: null,
    lastLines: "token=hush",
    backupId: null,
  } as const;
  ledger.end(run, end, now);
  return run;
}

describe("GET /runs", () => {
  it("of one task, and GET /runs/{id}, look at what is asked for and at no other run: all have printed megabytes", async () => {
    using served = fakeApi();
    const asked = [ran(served, "dream", 1000), ran(served, "dream", 2000)];
    // Whoever looks at it fails: there is no such day.
    ran(served, "sweep", 9e15);
    const get = async (path: string): Promise<[number, unknown]> => {
      const answer = await served.fetch(`/api/v1${path}`, { as: "read" });
      return [answer.status, await answer.json()];
    };
    expect(await get("/runs?task=dream&limit=1")).toMatchObject([200, { runs: [{ run_id: `task-${asked[1]}`, task: "dream" }] }]);
    expect(await get(`/runs/task-${asked[0]}`)).toMatchObject([200, { task: "dream", last_lines: "token=***" }]);
    expect((await get("/runs?task=nobody"))[1]).toEqual({ runs: [] });
    for (const id of ["task-1", "task-999999999999999", "run-0123456789abcdef"])
      expect(await get(`/runs/${id}`), id).toMatchObject([404, { code: "RUN_NOT_FOUND" }]);
  });
});
