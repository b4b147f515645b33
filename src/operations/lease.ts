import { setTimeout as sleep } from "node:timers/promises";
import { lookAtProcess, monotonicNow, stopGroup } from "../kernel/index.ts";
import type { Beginning, BreakReport, LeaseView } from "../lease/index.ts";
import { findLedger } from "../ledger/index.ts";
import { deferredTask, type DeferredTask } from "./deferred.ts";
import type { Instance } from "./instance.ts";

export interface LeaseReport {
  /** Who holds it, since when, doing what, how far; null when nobody ever did. */
  readonly lease: LeaseView | null;
  /** Scripts and commands that were told to wait. */
  readonly waiters: readonly { readonly owner: string; readonly pid: number; readonly since: string }[];
  /** Tasks that are due and deferred, the longest first. */
  readonly deferred: readonly DeferredTask[];
}

/** The lease, and who waits for it. Writes nothing. */
export async function reportLease(instance: Instance): Promise<LeaseReport> {
  await using keeper = instance.openLease();
  const lease = await keeper.inspect();
  using ledger = findLedger(instance.config.stateDir, instance.remark);
  return {
    lease,
    waiters: (ledger?.waiters() ?? []).map((waiter) => ({ ...waiter, since: new Date(waiter.since).toISOString() })),
    deferred: (ledger?.streaks() ?? []).map(deferredTask),
  };
}

export interface LeaseBreak extends BreakReport {
  /** What was ended, in this order: asked first, killed when it did not listen. */
  readonly killed: readonly number[];
}

/** From TERM to KILL. Milliseconds. */
const GRACE = 5000;

/**
 * Takes the lease from its holder. What the holder started and cannot be fenced goes on, unless it is ended with `kill`.
 *
 * @throws ConflictError LEASE_FENCED while the holder is inside a step that must not be cut off
 */
export async function breakLease(instance: Instance, { kill }: { readonly kill: boolean }): Promise<LeaseBreak> {
  await using keeper = instance.openLease();
  const report = await keeper.break();
  return { ...report, killed: kill ? await end(report.survivors) : [] };
}

/** A holder that only waits for what it started, such as a daemon, is left: it goes on without the lease. */
async function end(survivors: readonly Beginning[]): Promise<number[]> {
  const started = survivors.filter(({ role }) => role !== "holder");
  const pids = (started.length > 0 ? started : survivors).map(({ pid }) => pid).filter((pid) => pid !== process.pid);
  for (const pid of pids) signal(pid, "SIGTERM");
  const deadline = monotonicNow() + GRACE;
  while (pids.some(isThere) && monotonicNow() < deadline) await sleep(50);
  for (const pid of pids) if (isThere(pid)) signal(pid, "SIGKILL");
  return pids;
}

/** A stopped process gets the word only when it goes on; KILL reaches it all the same. */
function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile
  }
  stopGroup(pid, name);
}

function isThere(pid: number): boolean {
  return lookAtProcess(pid)?.ended === false;
}

/** Makes a store that is missing, unreadable or older than what was seen anew. */
export async function repairLease(instance: Instance): Promise<"repaired" | "sound"> {
  await using keeper = instance.openLease();
  return await keeper.repair();
}
