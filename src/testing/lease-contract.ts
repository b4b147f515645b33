import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import type { Acquired, AcquireOutcome, AcquireRequest, Lease, LeaseKeeper } from "../lease/index.ts";
import type { ContractRunner } from "./source-contract.ts";

/** One lease under test, which nobody ever held at first, and what only its maker can do to it. */
export interface LeaseHarness extends AsyncDisposable {
  /** Opens a keeper; a second call opens another one of the same lease. */
  open(): Promise<LeaseKeeper>;
  /** Another process acquires the lease, and keeps it until it is killed with SIGKILL. */
  holdElsewhere(request: Pick<AcquireRequest, "owner" | "reason">): Promise<LeaseElsewhere>;
  /** Another process reserves the lease for an owner, and lives until it is killed. */
  reserveElsewhere(owner: string): Promise<Killable>;
  /** Makes what the lease is stored in unreadable behind the keepers' backs. */
  damage(): Promise<void>;
}

export interface Killable {
  /** Resolves when it has ended. */
  kill(): Promise<void>;
}

export interface LeaseElsewhere extends Killable {
  readonly generation: number;
  /** What its children have in their environment. */
  readonly token: string;
}

/** Long enough for anything that comes by itself. Milliseconds. */
const SOON = 30_000;

function hasCode(code: RegExp | string): (error: unknown) => boolean {
  return (error) => {
    const found = String((error as { code?: unknown }).code);
    assert.ok(typeof code === "string" ? found === code : code.test(found), `${found}: ${String(error)}`);
    return true;
  };
}

function isAcquired(answer: AcquireOutcome): asserts answer is Acquired {
  assert.notEqual(answer.outcome, "held", JSON.stringify(answer));
}

async function hold(keeper: LeaseKeeper, request: Partial<AcquireRequest> = {}): Promise<Lease> {
  const answer = await keeper.acquire({ owner: "contract", ...request });
  isAcquired(answer);
  return answer.lease;
}

/** What every keeper of a lease promises. */
export function leaseContract(runner: ContractRunner, name: string, makeLease: () => Promise<LeaseHarness>): void {
  const test = (title: string, body: (keeper: LeaseKeeper, harness: LeaseHarness) => Promise<void>): void => {
    runner.it(title, async () => {
      await using harness = await makeLease();
      await using keeper = await harness.open();
      await body(keeper, harness);
    });
  };

  runner.describe(name, () => {
    test("begins with nothing to look at, break or repair", async (keeper) => {
      assert.equal(await keeper.inspect(), null);
      assert.deepEqual(await keeper.break(), { outcome: "missing", before: null, survivors: [], unreserved: null });
      assert.equal(await keeper.repair(), "sound");
      await keeper.requestYield("nobody");
      await keeper.withdraw("nobody");
    });

    test("acquire() lets one in at a time, and the generation only grows", async (keeper, harness) => {
      await using other = await harness.open();
      const generations: number[] = [];
      for (const one of [keeper, other, keeper]) {
        const lease = await hold(one);
        generations.push(lease.generation);
        for (const asker of [keeper, other]) assert.equal((await asker.acquire({ owner: "second" })).outcome, "held");
        await lease.check();
        assert.equal(await lease.release(), "released");
      }
      const [first = 0, second = 0, third = 0] = generations;
      assert.ok(first < second && second < third, generations.join(" "));
    });

    test("acquire() of what is held says who holds it, in a value and not in an error", async (keeper, harness) => {
      const elsewhere = await harness.holdElsewhere({ owner: "elsewhere", reason: "contract" });
      const answer = await keeper.acquire({ owner: "second" });
      assert.equal(answer.outcome, "held");
      assert.ok(answer.outcome === "held" && answer.holder !== null);
      const { contended, foreignToken, reservedFor } = answer;
      assert.deepEqual({ contended, foreignToken, reservedFor }, { contended: false, foreignToken: false, reservedFor: null });
      const { owner, reason, state, stored, generation, since, pid } = answer.holder;
      assert.deepEqual({ owner, reason, state, stored }, { owner: "elsewhere", reason: "contract", state: "held", stored: "held" });
      assert.equal(generation, elsewhere.generation);
      assert.ok(typeof pid === "number" && !Number.isNaN(Date.parse(since ?? "")));
      assert.equal((await keeper.inspect())?.owner, "elsewhere");
    });

    test("acquire() takes over from a holder that was killed, and says so once", async (keeper, harness) => {
      const elsewhere = await harness.holdElsewhere({ owner: "elsewhere" });
      await elsewhere.kill();
      const answer = await keeper.acquire({ owner: "second", wait: SOON });
      isAcquired(answer);
      assert.equal(answer.afterDeadHolder, true);
      assert.ok(answer.lease.generation > elsewhere.generation);
      await answer.lease.release();
      const next = await keeper.acquire({ owner: "third" });
      isAcquired(next);
      assert.equal(next.afterDeadHolder, false);
      await next.lease.release();
    });

    test("acquire({ wait }) tells once that it waits, and gets the lease when it is let go", async (keeper, harness) => {
      await using other = await harness.open();
      const lease = await hold(other);
      let told = 0;
      const onWaiting = (): void => {
        told += 1;
        void lease.release();
      };
      const next = await hold(keeper, { wait: SOON, onWaiting });
      assert.equal(told, 1);
      await next.release();
    });

    test("acquire({ signal }) stops waiting with INTERRUPTED", async (keeper, harness) => {
      await harness.holdElsewhere({ owner: "elsewhere" });
      const controller = new AbortController();
      const waiting = keeper.acquire({ owner: "second", wait: SOON, signal: controller.signal, onWaiting: () => controller.abort() });
      await assert.rejects(waiting, hasCode("INTERRUPTED"));
    });

    test("acquire() with the holder's token joins its lease, also when the holder is dead", async (keeper, harness) => {
      const elsewhere = await harness.holdElsewhere({ owner: "elsewhere" });
      const answer = await keeper.acquire({ owner: "child", token: elsewhere.token });
      isAcquired(answer);
      assert.equal(answer.outcome, "inherited");
      assert.deepEqual([answer.lease.inherited, answer.lease.generation, answer.foreignToken], [true, elsewhere.generation, false]);
      assert.equal(Object.values(answer.lease.environment)[0], elsewhere.token);
      await elsewhere.kill();
      await answer.lease.check();
      assert.equal(await answer.lease.fence("commit", () => "done"), "done");
      await using other = await harness.open();
      assert.equal((await other.acquire({ owner: "second" })).outcome, "held");
      assert.equal(await answer.lease.release(), "left");
      await (await hold(other, { wait: SOON })).release();
    });

    test("acquire() with a token of no lease falls through to one of its own, and says so", async (keeper) => {
      const first = await keeper.acquire({ owner: "first", token: "no-lease-has-this" });
      isAcquired(first);
      assert.deepEqual([first.outcome, first.foreignToken], ["acquired", true]);
      const second = await keeper.acquire({ owner: "second", token: "nor-this" });
      assert.deepEqual([second.outcome, second.foreignToken], ["held", true]);
      await first.lease.release();
    });

    test("release() is idempotent, and the lease is gone for its holder", async (keeper) => {
      const lease = await hold(keeper);
      assert.deepEqual(await Promise.all([lease.release(), lease.release()]), ["released", "released"]);
      await assert.rejects(lease.check(), hasCode("LEASE_LOST"));
      let ran = false;
      await assert.rejects(
        lease.fence("late", () => void (ran = true)),
        hasCode("LEASE_LOST"),
      );
      assert.equal(ran, false);
      const next = await hold(keeper);
      assert.equal(await lease.release(), "released");
      await next.check();
      await next.release();
    });

    test("disposing of a lease releases it", async (keeper) => {
      {
        await using _ = await hold(keeper);
        assert.equal((await keeper.inspect())?.state, "held");
      }
      assert.equal((await keeper.inspect())?.state, "free");
    });

    test("release() drains while a child lives that was added", async (keeper) => {
      const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000000)"], { stdio: "ignore" });
      await once(child, "spawn");
      try {
        const lease = await hold(keeper);
        await lease.addChild(child.pid ?? 0, "a child");
        assert.equal(await lease.release(), "draining");
        assert.equal((await keeper.acquire({ owner: "second" })).outcome, "held");
        await assert.rejects(lease.check(), hasCode("LEASE_LOST"));
      } finally {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await (await hold(keeper, { wait: SOON })).release();
    });

    test("break() takes the lease away: nothing that was not committed is committed any more", async (keeper, harness) => {
      await using other = await harness.open();
      const lease = await hold(keeper, { owner: "first" });
      const report = await other.break();
      assert.deepEqual([report.outcome, report.before?.owner], ["broken", "first"]);
      const next = await hold(other);
      assert.ok(next.generation > lease.generation);
      let ran = false;
      await assert.rejects(
        lease.fence("commit", () => void (ran = true)),
        hasCode("LEASE_LOST"),
      );
      await assert.rejects(lease.check(), hasCode("LEASE_LOST"));
      assert.equal(ran, false);
      assert.equal(await lease.release(), "not-owner");
      await next.check();
      await next.release();
    });

    test("break() is refused with LEASE_FENCED while a fence is open, and inspect() is not", async (keeper, harness) => {
      await using other = await harness.open();
      const lease = await hold(keeper);
      await lease.fence("commit", async () => {
        await assert.rejects(other.break(), hasCode("LEASE_FENCED"));
        assert.equal((await other.inspect())?.fence, "commit");
        assert.equal((await other.acquire({ owner: "second" })).outcome, "held");
      });
      await lease.check();
      assert.equal((await other.break()).outcome, "broken");
      await lease.release();
    });

    test("fence() gives what its step gives, and passes on what it throws", async (keeper) => {
      const lease = await hold(keeper);
      assert.equal(await lease.fence("one", async () => await Promise.resolve(1)), 1);
      const fails = lease.fence("two", () => Promise.reject(new TypeError("of the step")));
      await assert.rejects(fails, TypeError);
      assert.equal(await lease.fence("three", () => 3), 3);
      await lease.release();
    });

    test("requestYield() reaches the holder", async (keeper, harness) => {
      await using other = await harness.open();
      const lease = await hold(keeper);
      await other.requestYield("second");
      await lease.check();
      assert.equal(lease.shouldYield(), true);
      assert.equal((await other.inspect())?.yieldRequestedBy, "second");
      await lease.release();
      const next = await hold(other);
      assert.equal(next.shouldYield(), false);
      await next.release();
    });

    test("reserve() keeps the next free lease for its owner, binds no restore, and ends with its process", async (keeper, harness) => {
      const elsewhere = await harness.reserveElsewhere("starving");
      const answer = await keeper.acquire({ owner: "second" });
      assert.ok(answer.outcome === "held");
      assert.equal(answer.reservedFor, "starving");
      assert.equal(await keeper.reserve("second"), false);
      await (await hold(keeper, { overReservation: true })).release();
      assert.equal((await keeper.acquire({ owner: "second" })).outcome, "held");
      await elsewhere.kill();
      await (await hold(keeper, { wait: SOON })).release();
      assert.equal(await keeper.reserve("second"), true);
      assert.equal((await keeper.acquire({ owner: "third" })).outcome, "held");
      await keeper.withdraw("second");
      await (await hold(keeper, { owner: "third" })).release();
    });

    test("progress() is seen from outside, and never fails the work", async (keeper, harness) => {
      await using other = await harness.open();
      const lease = await hold(keeper);
      for (let number = 1; number <= 20; number += 1) lease.progress({ doing: "counting", progress: number / 20 });
      let view = await other.inspect();
      while (view?.progress !== 1) {
        await setImmediate();
        view = await other.inspect();
      }
      assert.equal(view.doing, "counting");
      await lease.release();
    });

    test("a store that cannot be read is an error to who asks and to who holds, never free, until it is repaired", async (keeper, harness) => {
      const elsewhere = await harness.holdElsewhere({ owner: "elsewhere" });
      const joined = await hold(keeper, { token: elsewhere.token });
      await harness.damage();
      await using other = await harness.open();
      await assert.rejects(other.acquire({ owner: "second" }), hasCode(/^LEASE_STORE_/));
      await assert.rejects(other.inspect(), hasCode(/^LEASE_STORE_/));
      await assert.rejects(joined.check(), hasCode(/^LEASE_STORE_/));
      await assert.rejects(other.repair(), hasCode("LEASE_IN_USE"));
      await elsewhere.kill();
      await assert.rejects(other.acquire({ owner: "second" }), hasCode(/^LEASE_STORE_/));
      await assert.rejects(joined.release(), hasCode(/^LEASE_STORE_/));
      assert.equal(await other.repair(), "repaired");
      const lease = await hold(other);
      assert.ok(lease.generation > elsewhere.generation);
      await lease.release();
    });
  });
}
