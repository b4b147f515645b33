import { isSeatTaken, isAlive, whoIsAlive } from "./liveness.ts";
import type { LeaseMember, LeaseRow } from "../lease-row.ts";
import type { LeaseView } from "../view.ts";
import type { Busy } from "./busy.ts";
import { readFence, readProgress } from "./progress-file.ts";
import { readMembers, readRow, storeExists, withStore, type StorePlace } from "./store.ts";
import { storeMissing } from "./store-error.ts";
import { readWitness } from "./witness.ts";

/** @returns null when this instance never had a lease */
export function inspect(place: StorePlace): LeaseView | null | Busy {
  if (!storeExists(place)) {
    const known = readWitness(place.witness);
    if (known === null) return null;
    // Another process may have made it between the two.
    if (!storeExists(place)) throw storeMissing(place.folder, `it was there, and generation ${known} was seen`);
  }
  return withStore(place, (database) => {
    const row = readRow(place, database);
    return viewOf(place, row, readMembers(database, row.generation), { look: true });
  });
}

/** @param how `look` false spares the table of processes: the holder is known to live. */
export function viewOf(place: StorePlace, row: LeaseRow, members: readonly LeaseMember[], how: { readonly look: boolean }): LeaseView {
  const alive = how.look && row.state !== "free" ? whoIsAlive(row, members) : [];
  const state = row.state !== "free" && how.look && !isAlive(place.folder, row, () => members) ? "free" : row.state;
  const progress = state === "free" ? null : readProgress(place.progress, row.generation);
  const fence = readFence(place.fence);
  const taken = state !== "free";
  return {
    generation: row.generation,
    stored: row.state,
    state,
    owner: taken ? row.owner : null,
    reason: taken ? row.reason : null,
    pid: taken ? (row.holder?.pid ?? null) : null,
    host: taken ? row.host : null,
    since: taken && row.acquiredAt !== null ? new Date(row.acquiredAt).toISOString() : null,
    doing: progress?.doing ?? null,
    progress: progress?.progress ?? null,
    seq: progress?.seq ?? null,
    progressAt: progress?.at ?? null,
    fence: fence?.generation === row.generation ? fence.label : null,
    alive,
    reservedFor: row.reservation !== null && isSeatTaken(row.reservation.by) ? row.reservation.owner : null,
    yieldRequestedBy: taken ? row.yieldRequestedBy : null,
  };
}
