import { describe, expect, it } from "vitest";
import { ledgerProcess } from "../../test/support/ledger-process.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openLedger } from "./open-ledger.ts";
import type { RunEnd } from "./records.ts";
import type { ClaimRequest, SqliteLedger } from "./sqlite-ledger.ts";

const COMPLETED: RunEnd = {
  outcome: "completed",
  reasonCode: null,
  reason: null,
  exitCode: 0,
  signal: null,
  lastLines: "done",
  backupId: null,
};
const FAILED: RunEnd = { ...COMPLETED, outcome: "failed", reasonCode: "exit-code", reason: "ended with exit code 1", exitCode: 1 };
const SKIPPED: RunEnd = { ...COMPLETED, outcome: "skipped", reasonCode: "deferred-by-task", reason: "busy", exitCode: 5 };
const OBSTACLE = { reasonCode: "held", reason: "held by b", blockingTask: null, holdingOwner: "b", holdingPid: 7 };

interface Place extends Disposable {
  readonly path: string;
  readonly ledger: SqliteLedger;
  claim(more?: Partial<ClaimRequest>): number | null;
  task(): ReturnType<SqliteLedger["tasks"]>[number] | undefined;
}

function place(): Place {
  const folder = temporaryFolder();
  const ledger = openLedger(folder.path, (text) => {
    throw new Error(text);
  });
  ledger.ensureTasks(["a"], 1);
  return {
    path: folder.path,
    ledger,
    claim: (more) => ledger.claim({ task: "a", kind: "task", trigger: "t", now: 100, presence: "p", lastRunAt: "any", ...more }),
    task: () => ledger.tasks().find(({ name }) => name === "a"),
    [Symbol.dispose]: () => {
      ledger[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe("SqliteLedger.claim()", () => {
  it("is had once while a run is on, and once for each time that it was found due", () => {
    using at = place();
    expect(at.claim({ lastRunAt: null })).toBe(100);
    expect(at.task()?.lastRunAt).toBe(100);
    expect(at.claim()).toBeNull();
    at.ledger.end(100, COMPLETED, 110);
    // Found due before that run, and late with its claim.
    expect(at.claim({ now: 120, lastRunAt: null })).toBeNull();
    expect(at.claim({ now: 120, lastRunAt: 100 })).toBe(101);
  });

  it("by four processes at once, a hundred times, is had by one of them each time", async () => {
    using at = place();
    const all = await Promise.all([1, 2, 3, 4].map(async () => await ledgerProcess(at.path)));
    try {
      let last: number | null = null;
      for (let round = 1; round <= 100; round += 1) {
        const before = last;
        const now = round * 1000;
        const runs = await Promise.all(all.map(async (one) => await one.claim("a", now, before)));
        const [run, ...others] = runs.filter((one) => one !== null);
        expect(others).toEqual([]);
        expect(at.ledger.running().map(({ id }) => id)).toEqual([run]);
        at.ledger.end(run ?? 0, COMPLETED, now + 1);
        last = now;
      }
      expect(at.ledger.history("a", 1000)).toHaveLength(100);
    } finally {
      await Promise.all(all.map(async (one) => await one.kill()));
    }
  });

  it("of a service leaves the times of tasks alone", () => {
    using at = place();
    const run = at.claim({ kind: "service" });
    expect(at.task()?.lastRunAt).toBeNull();
    at.ledger.end(run ?? 0, FAILED, 110);
    expect(at.task()).toMatchObject({ failures: 0, lastOutcome: null });
  });

  it("ends a streak only when it is a start", () => {
    using at = place();
    at.ledger.defer("a", OBSTACLE, "k", 50);
    at.ledger.end(at.claim() ?? 0, FAILED, 101);
    expect(at.ledger.streaks()).toHaveLength(1);
    at.claim({ endsStreak: true });
    expect(at.ledger.streaks()).toEqual([]);
  });
});

describe("SqliteLedger.end()", () => {
  it("counts failures from the first, and a success ends the streak", () => {
    using at = place();
    at.ledger.end(at.claim() ?? 0, FAILED, 110);
    at.ledger.end(at.claim({ now: 200 }) ?? 0, FAILED, 210);
    expect(at.task()).toMatchObject({
      failures: 2,
      failingSince: 110,
      lastEndedAt: 210,
      lastReasonCode: "exit-code",
      lastCompletedAt: null,
    });
    at.ledger.end(at.claim({ now: 300 }) ?? 0, COMPLETED, 310);
    expect(at.task()).toMatchObject({ failures: 0, failingSince: null, lastEndedAt: 310, lastCompletedAt: 310, lastReasonCode: null });
  });

  it("of a deferred run gives back the time of the last run, keeps its failures, and sets when to try again", () => {
    using at = place();
    at.ledger.end(at.claim() ?? 0, FAILED, 110);
    at.ledger.end(at.claim({ now: 200 }) ?? 0, SKIPPED, 210, 260);
    expect(at.task()).toMatchObject({
      lastRunAt: 100,
      lastEndedAt: 110,
      failures: 1,
      failingSince: 110,
      notBefore: 260,
      lastOutcome: "skipped",
    });
    at.ledger.end(at.claim({ now: 300 }) ?? 0, FAILED, 310);
    expect(at.task()).toMatchObject({ lastRunAt: 300, failures: 2, notBefore: null });
  });

  it("once it is closed changes nothing more, whoever comes late", () => {
    using at = place();
    const run = at.claim() ?? 0;
    at.ledger.end(run, { ...FAILED, reasonCode: "interrupted" }, 110);
    at.ledger.end(run, COMPLETED, 120);
    expect(at.ledger.history("a", 1)).toMatchObject([{ outcome: "failed", reasonCode: "interrupted", endedAt: 110 }]);
    expect(at.task()).toMatchObject({ failures: 1, lastCompletedAt: null });
  });

  it("keeps the last two hundred runs of a task, and of every other task its own", () => {
    using at = place();
    at.ledger.ensureTasks(["b"], 1);
    at.ledger.end(at.claim({ task: "b" }) ?? 0, COMPLETED, 1);
    for (let run = 0; run < 250; run += 1) at.ledger.end(at.claim({ now: run }) ?? 0, COMPLETED, run);
    const kept = at.ledger.history("a", 1000);
    expect(kept).toHaveLength(200);
    expect(kept[0]?.startedAt).toBe(249);
    expect(at.ledger.history("b", 1000)).toHaveLength(1);
    expect(at.ledger.history(null, 1000)).toHaveLength(201);
  });

  it("shows what ran, as what, and how it ended", () => {
    using at = place();
    const run = at.claim({ trigger: "manual" }) ?? 0;
    at.ledger.recordChild(run, { pid: 42, start: "99", boot_id: "boot" }, "/out");
    expect(at.ledger.running()).toMatchObject([{ child: { pid: 42, start: "99", boot_id: "boot" }, output: "/out", outcome: "running" }]);
    at.ledger.end(run, { ...COMPLETED, backupId: "id" }, 110);
    expect(at.ledger.history("a", 1)).toEqual([
      {
        id: run,
        task: "a",
        kind: "task",
        trigger: "manual",
        outcome: "completed",
        reasonCode: null,
        reason: null,
        startedAt: 100,
        endedAt: 110,
        presence: "p",
        child: { pid: 42, start: "99", boot_id: "boot" },
        exitCode: 0,
        signal: null,
        output: "/out",
        lastLines: "done",
        backupId: "id",
      },
    ]);
  });
});

describe("SqliteLedger.defer()", () => {
  it("is one row for a streak, and tells whether an obstacle is met for the first time in it", () => {
    using at = place();
    expect(at.ledger.defer("a", OBSTACLE, "k", 10)).toMatchObject({ isNew: true, streak: { openedAt: 10, count: 1 } });
    expect(at.ledger.defer("a", OBSTACLE, "k", 20)).toMatchObject({ isNew: false, streak: { openedAt: 10, lastAt: 20, count: 2 } });
    expect(at.ledger.defer("a", { ...OBSTACLE, holdingOwner: "c" }, "other", 30).isNew).toBe(true);
    expect(at.ledger.defer("a", OBSTACLE, "k", 40)).toMatchObject({ isNew: false, streak: { holdingOwner: "b", count: 4 } });
    expect(at.ledger.streaks()).toHaveLength(1);
  });

  it("remembers fifty obstacles of a streak, so that one of thousands of holders stays small", () => {
    using at = place();
    for (let pid = 0; pid < 60; pid += 1) expect(at.ledger.defer("a", OBSTACLE, `pid ${pid}`, 10).isNew).toBe(true);
    expect(at.ledger.defer("a", OBSTACLE, "pid 59", 10).isNew).toBe(false);
    expect(at.ledger.defer("a", OBSTACLE, "pid 0", 10).isNew).toBe(true);
  });

  it("keeps open streaks, the longest first, and a bounded number of closed ones", () => {
    using at = place();
    at.ledger.ensureTasks(["b"], 1);
    at.ledger.defer("b", OBSTACLE, "k", 5);
    for (let streak = 0; streak < 250; streak += 1) {
      at.ledger.defer("a", OBSTACLE, "k", 10);
      at.ledger.closeStreak("a", 20);
    }
    at.ledger.defer("a", OBSTACLE, "k", 30);
    expect(at.ledger.streaks().map(({ task }) => task)).toEqual(["b", "a"]);
    at.ledger.setStarving("b");
    expect(at.ledger.streaks()).toMatchObject([{ starving: true }, { starving: false, openedAt: 30, count: 1 }]);
  });

  it("goes on with the streak that a start has ended, when that was none", () => {
    using at = place();
    at.ledger.defer("a", OBSTACLE, "k", 10);
    at.ledger.setStarving("a");
    at.claim({ now: 20, endsStreak: true });
    at.ledger.resumeStreak("a", 20);
    expect(at.ledger.defer("a", OBSTACLE, "k", 30)).toMatchObject({ isNew: false, streak: { openedAt: 10, count: 2, starving: true } });
    // One that was ended by an earlier start stays so.
    at.ledger.closeStreak("a", 40);
    at.ledger.resumeStreak("a", 50);
    expect(at.ledger.streaks()).toEqual([]);
  });
});

describe("SqliteLedger.waiters()", () => {
  it("are those that are there: one that was killed is shown no more, and its row goes with the next", async () => {
    using at = place();
    {
      await using first = await ledgerProcess(at.path);
      await first.wait("nightly", 10);
      await using second = await ledgerProcess(at.path);
      await second.wait("hourly", 5);
      expect(at.ledger.waiters()).toEqual([
        { owner: "hourly", pid: second.pid, since: 5 },
        { owner: "nightly", pid: first.pid, since: 10 },
      ]);
      await second.kill();
      expect(at.ledger.waiters()).toEqual([{ owner: "nightly", pid: first.pid, since: 10 }]);
      at.ledger.removeWaiter(first.presence);
      expect(at.ledger.waiters()).toEqual([]);
    }
    await using third = await ledgerProcess(at.path);
    await third.wait("weekly", 20);
    expect(at.ledger.waiters()).toHaveLength(1);
  });
});
