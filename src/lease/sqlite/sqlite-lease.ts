import { errorFromJson, HostError, InterruptedError, monotonicNow } from "../../kernel/index.ts";
import {
  LEASE_VARIABLE,
  type AcquireOutcome,
  type AcquireRequest,
  type BreakReport,
  type Held,
  type Lease,
  type LeaseKeeper,
  type LeaseProgress,
  type ReleaseOutcome,
} from "../keeper.ts";
import type { LeaseView } from "../view.ts";
import { BUSY, type Busy } from "./busy.ts";
import { check, lost } from "./hold.ts";
import { pause, throwIfStopped } from "./pause.ts";
import { writeProgress } from "./progress-file.ts";
import { ownThread, type StoreThread } from "./store-calls.ts";
import { threadOfItsOwn } from "./store-thread.ts";
import { storePlace, type StorePlace } from "./store.ts";
import { Unreleased } from "./unreleased.ts";
import { tokenPrefix, type Grip, type TakeAnswer, type TakeRequest } from "./take.ts";

export interface SqliteLeaseOptions {
  /** Absolute. The store lies in `lease/` inside it. */
  readonly stateDir: string;
  /** Whether commits may hold up this thread: yes for a command, no for a daemon or a host with an event loop of its own. */
  readonly blocking: boolean;
  readonly platform?: NodeJS.Platform;
}

/** How long an answer may take while the store is locked. Milliseconds. */
const BUDGET = 250;
/** What a joiner waits for its parent. Milliseconds. */
const JOINING = 30_000;
/** What a person who intervenes waits for. */
const PATIENCE = 2000;
/** A refused attempt costs a tenth of a millisecond and takes no lock. */
const POLL = 50;

/** The lease of one machine: a row in SQLite decides, a named pipe tells who lives. SPEC.md has the table and the reasons. */
export function sqliteLease(options: SqliteLeaseOptions): LeaseKeeper {
  if ((options.platform ?? process.platform) !== "linux")
    throw new HostError("LEASE_UNSUPPORTED_PLATFORM", "The heavy-maintenance lease works on Linux only in this version", {
      hint: "Run holdfast in a Linux container or virtual machine, beside the state that it protects",
    });
  const place = storePlace(options.stateDir);
  const thread = options.blocking ? ownThread(place) : threadOfItsOwn(place);
  const unreleased = new Unreleased(thread);
  const acquiring = new Set<Promise<unknown>>();
  let closing = false;
  return {
    acquire: async (request) => {
      const attempt = acquire({ place, thread, unreleased }, request, () => closing);
      acquiring.add(attempt);
      try {
        return await attempt;
      } finally {
        acquiring.delete(attempt);
      }
    },
    inspect: async () => {
      const view = await untilFree(() => thread.call("inspect"), { budget: PATIENCE });
      if (view === BUSY) throw storeBusy(place);
      return view;
    },
    requestYield: async (by) => await patiently(place, () => thread.call("requestYield", by)),
    reserve: async (owner) => {
      const reserved = await untilFree(() => thread.call("reserve", owner), { budget: BUDGET });
      return reserved === true;
    },
    withdraw: async (owner) => await patiently(place, () => thread.call("withdraw", owner)),
    break: async () => await breakIt(place, thread),
    repair: async () => {
      const answer = await untilFree(() => thread.call("repair"), { budget: PATIENCE });
      if (answer === BUSY) throw storeBusy(place);
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      // What is being taken at this moment is given back: without its thread nobody could.
      closing = true;
      await Promise.allSettled(acquiring);
      await unreleased.close();
      await thread.stop();
    },
  };
}

interface Parts {
  readonly place: StorePlace;
  readonly thread: StoreThread;
  readonly unreleased: Unreleased;
}

async function acquire(parts: Parts, request: AcquireRequest, isClosing: () => boolean): Promise<AcquireOutcome> {
  const { place, thread } = parts;
  const { owner, reason = null, token = null, overReservation = false, wait = 0, signal } = request;
  const take: TakeRequest = { owner, reason, token, overReservation };
  const deadline = monotonicNow() + wait;
  // A child waits for its own parent to come out of a fence: it is under the same lease, and not deferred behind it.
  const budget = token?.startsWith(`${tokenPrefix(place)}-`) === true ? JOINING : BUDGET;
  let told = false;
  for (;;) {
    throwIfStopped(signal);
    if (isClosing()) throw closed();
    // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
    const answer = await untilFree(() => thread.call("take", take), { budget, ...(signal === undefined ? {} : { signal }) });
    if (answer !== BUSY && "taken" in answer) {
      const lease = leaseInHand(parts, answer.taken, owner);
      if (isClosing()) {
        // oxlint-disable-next-line no-await-in-loop -- the last thing that is done here
        await lease.release();
        throw closed();
      }
      return {
        outcome: answer.taken.joined ? "inherited" : "acquired",
        lease,
        afterDeadHolder: answer.afterDeadHolder,
        foreignToken: answer.foreignToken,
      };
    }
    // oxlint-disable-next-line no-await-in-loop -- see above
    const held = answer === BUSY ? await contended(thread) : heldBy(answer);
    const left = deadline - monotonicNow();
    if (left <= 0) return held;
    if (!told) request.onWaiting?.(held);
    told = true;
    // oxlint-disable-next-line no-await-in-loop -- see above
    await pause(Math.min(left, jittered(POLL)), signal);
  }
}

function heldBy({ held, reservedFor, foreignToken }: Extract<TakeAnswer, { held: unknown }>): Held & { foreignToken: boolean } {
  return { outcome: "held", holder: held, contended: false, reservedFor, foreignToken };
}

/** Locked for too long. That is no error, and never "free"; who has it may be readable all the same. */
async function contended(thread: StoreThread): Promise<Held & { foreignToken: boolean }> {
  const view = await thread.call("inspect");
  const holder: LeaseView | null = view === BUSY || view === null || view.state === "free" ? null : view;
  return { outcome: "held", holder, contended: true, reservedFor: null, foreignToken: false };
}

function closed(): InterruptedError {
  return new InterruptedError("INTERRUPTED", "The keeper of the lease was closed while it was asked");
}

function leaseInHand({ place, thread, unreleased }: Parts, grip: Grip, owner: string): Lease {
  let ended: Promise<ReleaseOutcome> | undefined;
  let seq = 0;
  let yielding = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> | undefined;
  let unwritten: LeaseProgress | undefined;
  const write = async (): Promise<void> => {
    while (unwritten !== undefined) {
      const { doing, progress = null } = unwritten;
      unwritten = undefined;
      seq += 1;
      try {
        // oxlint-disable-next-line no-await-in-loop -- the newest word only
        await writeProgress(place.progress, { generation: grip.generation, seq, doing, progress });
      } catch {
        // Advisory: a full disk is found by what needs the space.
      }
    }
    writing = undefined;
  };
  const refuseReleased = (): void => {
    if (ended !== undefined) throw lost(grip, grip.generation);
  };
  const lease: Lease = {
    owner,
    generation: grip.generation,
    inherited: grip.joined,
    environment: { [LEASE_VARIABLE]: grip.token },
    descriptor: grip.descriptor,
    check: async () => {
      refuseReleased();
      await patiently(place, () => thread.call("check", grip));
    },
    fence: async (label, step) => {
      refuseReleased();
      const id = await untilFree(() => thread.call("openFence", grip, label), { budget: Number.POSITIVE_INFINITY });
      try {
        return await step();
      } finally {
        await thread.call("closeFence", id as number);
      }
    },
    addChild: async (pid, label) => {
      refuseReleased();
      await patiently(place, () => thread.call("addChild", grip, pid, label));
    },
    progress: (state) => {
      unwritten = state;
      writing ??= write();
    },
    shouldYield: () => {
      const now = monotonicNow();
      if (yielding || now - lookedAt < POLL) return yielding;
      lookedAt = now;
      // A read of one row; when it is locked or lost at this moment, check() and fence() are what says so.
      try {
        const answer = check(place, grip);
        yielding = answer !== BUSY && answer.yieldRequestedBy !== null;
      } catch {
        yielding = true;
      }
      return yielding;
    },
    release: async () => {
      ended ??= letGo(thread, unreleased, grip);
      return await ended;
    },
    [Symbol.asyncDispose]: async () => {
      await lease.release();
    },
  };
  return lease;
}

/** Without limit: to give up would be harmless, since the end of the process lets go as well, and late. */
async function letGo(thread: StoreThread, unreleased: Unreleased, grip: Grip): Promise<ReleaseOutcome> {
  try {
    return (await untilFree(() => thread.call("release", grip), { budget: Number.POSITIVE_INFINITY })) as ReleaseOutcome;
  } catch (error) {
    unreleased.add(grip);
    throw error;
  }
}

async function breakIt(place: StorePlace, thread: StoreThread): Promise<BreakReport> {
  const report = await untilFree(() => thread.call("breakLease"), { budget: PATIENCE });
  if (report !== BUSY) return report;
  const fenced = await thread.call("insideFence");
  throw fenced === null ? storeBusy(place) : errorFromJson(fenced);
}

async function patiently(place: StorePlace, call: () => Promise<unknown>): Promise<void> {
  if ((await untilFree(call, { budget: 10 * PATIENCE })) === BUSY) throw storeBusy(place);
}

function storeBusy({ folder }: StorePlace): HostError {
  return new HostError("LEASE_STORE_BUSY", `The lease store "${folder}" stayed locked`, {
    hint: "Try again; when it goes on, look for a process that was stopped in the middle of a step: holdfast lease status",
  });
}

/** SQLite's own waiting would hold up the thread: here it is a timer. */
async function untilFree<T>(
  call: () => Promise<T | Busy>,
  { budget, signal }: { budget: number; signal?: AbortSignal },
): Promise<T | Busy> {
  const deadline = monotonicNow() + budget;
  for (let millis = 2; ; millis = Math.min(40, millis * 2)) {
    // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
    const answer = await call();
    if (answer !== BUSY || monotonicNow() >= deadline) return answer;
    // oxlint-disable-next-line no-await-in-loop -- see above
    await pause(jittered(millis), signal);
  }
}

function jittered(millis: number): number {
  return millis * (0.8 + 0.4 * Math.random());
}
