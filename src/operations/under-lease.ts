import { BusyError, type Guard } from "../kernel/index.ts";
import type { Held, Lease, LeaseView } from "../lease/index.ts";
import type { Instance } from "./instance.ts";
import { acquireVisibly } from "./waiting.ts";

/** How heavy work comes by its right. */
export interface HeavyOptions {
  /** A lease in hand: it is used and neither taken again nor released. */
  readonly lease?: Lease;
  /** Milliseconds to wait for another holder. */
  readonly wait?: number;
  readonly signal?: AbortSignal;
}

export interface LeaseClaim {
  /** Who asks, as others see it: "backup". */
  readonly owner: string;
  /** Why: "manual". */
  readonly reason: string;
  /** A restore is never kept waiting by a lease that is reserved. */
  readonly overReservation?: boolean;
}

/**
 * Runs heavy work under the heavy-maintenance lease, which is released after the work and everything it awaits has settled.
 *
 * @throws BusyError LEASE_HELD when somebody else has it, and then the work has not begun
 */
export async function underLease<T>(
  instance: Instance,
  { owner, reason, overReservation = false }: LeaseClaim,
  { lease: held, wait = 0, signal }: HeavyOptions,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  if (held !== undefined) return await work(held);
  await using keeper = instance.openLease();
  const answer = await acquireVisibly(instance, keeper, {
    owner,
    reason,
    overReservation,
    wait,
    ...(instance.leaseToken === null ? {} : { token: instance.leaseToken }),
    ...(signal === undefined ? {} : { signal }),
    onWaiting: (first) => instance.remark(`Waiting: ${describeHeld(first)}`),
  });
  if (answer.foreignToken) instance.remark("The lease of HOLDFAST_LEASE has ended: this asks for one of its own");
  if (answer.outcome === "held") throw leaseHeld(answer);
  if (answer.afterDeadHolder) instance.remark("The holder of the heavy-maintenance lease before this died without releasing it");
  await using lease = answer.lease;
  return await work(lease);
}

/** What a room that commits is handed. */
export function guardOf(lease: Lease): Guard {
  return async (label, step) => await lease.fence(label, step);
}

function leaseHeld(held: Held): BusyError {
  return new BusyError("LEASE_HELD", describeHeld(held), {
    hint: "Wait for it with --wait 10m, or look at it with: holdfast lease status",
    details: {
      holdingOwner: held.holder?.owner ?? null,
      holdingPid: held.holder?.pid ?? null,
      since: held.holder?.since ?? null,
      doing: held.holder?.doing ?? null,
      progress: held.holder?.progress ?? null,
      reservedFor: held.reservedFor,
      contended: held.contended,
    },
  });
}

export function describeHeld({ holder, reservedFor }: Held): string {
  if (reservedFor !== null) return `The heavy-maintenance lease is kept for ${reservedFor}, which has waited too long`;
  if (holder === null) return "The heavy-maintenance lease is in use, and by whom could not be read in time";
  return `The heavy-maintenance lease is held by ${holderText(holder)}`;
}

function holderText({ owner, pid, since, doing, progress }: LeaseView): string {
  const how = progress === null ? "" : `, ${Math.round(progress * 100)} %`;
  return `${owner ?? "somebody"}, pid ${pid ?? "unknown"}${since === null ? "" : `, since ${since}`}${doing === null ? "" : ` (${doing}${how})`}`;
}
