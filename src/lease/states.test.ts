import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it, vi } from "vitest";
import { LeaseStage, LeaseTroupe, type LeaseStageOptions } from "../../test/support/lease-stage.ts";
import { HoldfastError } from "../kernel/index.ts";
import type { AcquireRequest } from "./index.ts";
import { LEASE_EVENTS, LEASE_SIGHTS, LEASE_TABLE, type LeaseEvent, type LeaseReply, type LeaseSight } from "./states.ts";

type Event = (stage: LeaseStage) => Promise<LeaseReply | null>;

async function acquire({ keeper }: LeaseStage, request: Partial<AcquireRequest> = {}): Promise<LeaseReply> {
  const answer = await keeper.acquire({ owner: "asker", ...request });
  if (answer.outcome === "held") return answer.reservedFor === null ? "held" : "held, reserved";
  if (answer.outcome === "acquired") expect(answer.foreignToken).toBe(request.token !== undefined);
  return answer.afterDeadHolder ? "acquired after a dead holder" : answer.outcome;
}

/** The code of what an attempt fails with, in the word of the table. */
async function codeOf(attempt: Promise<unknown>): Promise<LeaseReply> {
  try {
    await attempt;
    return "ok";
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.code.startsWith("LEASE_STORE_") ? "LEASE_STORE_*" : (error.code as LeaseReply);
  }
}

/** Both are to say the same; the step of a fence that says no has not run. */
async function checkAndFence(one: LeaseStage["roles"]["holder"], { folder }: LeaseStage): Promise<LeaseReply> {
  const checked = await codeOf(one.check());
  expect(await codeOf(one.fence(folder.join("steps")))).toBe(checked);
  expect(existsSync(folder.join("steps"))).toBe(checked === "ok");
  return checked;
}

async function reserveElsewhere(stage: LeaseStage): Promise<LeaseStage["roles"]["holder"]> {
  const other = await stage.another();
  expect(await other.reserve("other")).toBe(true);
  return other;
}

/** Junk in place of the database while something is tried; then what was there before. */
async function whileDamaged<T>({ folder }: LeaseStage, attempt: () => Promise<T>, keep: (answer: T) => boolean = () => false): Promise<T> {
  const path = folder.join("state", "lease", "lease.db");
  const before = readFileSync(path);
  writeFileSync(path, "junk ".repeat(2000));
  const answer = await attempt();
  if (!keep(answer)) writeFileSync(path, before);
  return answer;
}

const EVENTS: Readonly<Record<LeaseEvent, Event>> = {
  acquire: async (stage) => await acquire(stage),
  "acquire, reserved for another that lives": async (stage) => {
    await reserveElsewhere(stage);
    return await acquire(stage);
  },
  "acquire, reserved for the asker": async (stage) => {
    expect(await stage.keeper.reserve("asker")).toBe(true);
    return await acquire(stage);
  },
  "acquire, reserved by the dead": async (stage) => {
    await stage.kill(await reserveElsewhere(stage));
    return await acquire(stage);
  },
  "acquire over a reservation": async (stage) => {
    await reserveElsewhere(stage);
    return await acquire(stage, { overReservation: true });
  },
  "acquire with its token": async (stage) => await acquire(stage, { token: stage.roles.taken.lease.environment.HOLDFAST_LEASE }),
  "acquire with another token": async (stage) => await acquire(stage, { token: "0123456789ab-of-another-lease" }),
  "release, nobody else lives": async ({ roles }) => await roles.holder.release(),
  "release, a child lives": async ({ roles }) => await roles.holder.release(),
  "release again": async ({ roles }) => await roles.holder.release(),
  "release by a joiner": async ({ roles }) => await roles.joiner.release(),
  "release of an old generation": async ({ roles }) => await roles.old.release(),
  "check or fence of the holder": async (stage) => await checkAndFence(stage.roles.holder, stage),
  "check or fence of a joiner": async (stage) => await checkAndFence(stage.roles.joiner, stage),
  "check or fence of an old generation": async (stage) => await checkAndFence(stage.roles.old, stage),
  break: async ({ keeper }) => (await keeper.break()).outcome,
  "break inside a fence": async ({ keeper, roles }) => {
    await roles.joiner.enter("swap");
    const code = await codeOf(keeper.break());
    await roles.joiner.leave();
    return code;
  },
  reserve: async ({ keeper }) => ((await keeper.reserve("asker")) ? "reserved" : "held"),
  withdraw: async ({ keeper }) => {
    await keeper.reserve("asker");
    return await codeOf(keeper.withdraw("asker"));
  },
  "ask to yield": async ({ keeper }) => await codeOf(keeper.requestYield("asker")),
  "the holder is killed, a child lives": async (stage) => {
    await stage.kill(stage.roles.holder);
    return null;
  },
  "the last one is killed": async (stage) => {
    await stage.roles.child.kill();
    await stage.kill(stage.roles.holder);
    return null;
  },
  "the holder is stopped": async ({ roles }) => {
    roles.holder.stop();
    return await Promise.resolve(null);
  },
  "the machine starts anew": async (stage) => {
    stage.sql("UPDATE lease SET boot_id='of another kernel' WHERE state!='free'; UPDATE member SET boot_id='of another kernel'");
    return await Promise.resolve(null);
  },
  "the clock jumps": async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 30 * 86_400_000 });
    return await Promise.resolve(null);
  },
  "the store is damaged: acquire, check or fence": async (stage) =>
    await whileDamaged(stage, async () => {
      const code = await codeOf(stage.keeper.acquire({ owner: "asker" }));
      expect(await checkAndFence(stage.roles.old, stage)).toBe(code);
      return code;
    }),
  "the store is damaged: repair": async (stage) =>
    await whileDamaged(
      stage,
      async () => {
        let answer: LeaseReply | undefined;
        const code = await codeOf(stage.keeper.repair().then((what) => (answer = what)));
        return answer ?? code;
      },
      (answer) => answer === "repaired",
    ),
  repair: async ({ keeper }) => await keeper.repair(),
};

/** What an event needs beside a lease in its state. */
function optionsFor(event: LeaseEvent, sight: LeaseSight): LeaseStageOptions {
  if (event.includes("joiner")) return { joiner: true };
  if (event.includes("old generation") || event === "the store is damaged: acquire, check or fence") return { old: true };
  if (event === "break inside a fence") return { joiner: sight === "draining, live" };
  if (event.endsWith("a child lives")) return { child: true };
  return event === "release again" || event === "the store is damaged: repair" ? { freedBy: "release" } : {};
}

describe("LEASE_TABLE", () => {
  const troupe = new LeaseTroupe();
  afterAll(async () => await troupe[Symbol.asyncDispose]());

  const cells = LEASE_EVENTS.flatMap((event) =>
    LEASE_SIGHTS.flatMap((sight) => (LEASE_TABLE[event][sight] === null ? [] : [[event, sight] as const])),
  );

  it.each(cells)("%s: a lease that is %s answers and becomes what the table says", async (event, sight) => {
    const expected = LEASE_TABLE[event][sight];
    if (expected === null) throw new Error("There is nothing to expect");
    await using stage = await LeaseStage.at(troupe, sight, optionsFor(event, sight));
    const before = await stage.see();
    expect(before.sight).toBe(sight);
    let reply: LeaseReply | null;
    let after: typeof before;
    try {
      reply = await EVENTS[event](stage);
      after = await stage.see();
    } finally {
      vi.useRealTimers();
      stage.roles.holder.resume();
    }
    expect({ reply, sight: after.sight }).toEqual({ reply: expected.reply, sight: expected.next });
    if (expected.raise === null) expect(after.generation).toBeGreaterThan(before.generation);
    else expect(after.generation - before.generation).toBe(expected.raise);
  });

  it("names every event and every state once", () => {
    expect(Object.keys(LEASE_TABLE)).toEqual([...LEASE_EVENTS]);
    for (const event of LEASE_EVENTS) expect(Object.keys(LEASE_TABLE[event]).toSorted()).toEqual([...LEASE_SIGHTS].toSorted());
    expect(cells.length).toBeGreaterThan(90);
  });
});
