import { readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, processesWithOpenFiles, processesWithVariable, removeTree, syncFolder, tryFileLock } from "../../kernel/index.ts";
import { LEASE_VARIABLE, type BreakReport } from "../keeper.ts";
import { askBeacon, beaconsIn } from "./beacon.ts";
import { BUSY, type Busy } from "./busy.ts";
import { buildStore, ensureStore } from "./create-store.ts";
import { freeRow } from "./hold.ts";
import { inspect, viewOf } from "./inspect.ts";
import { isSeatTaken, seatOfThisProcess } from "./liveness.ts";
import { readFence } from "./progress-file.ts";
import { isUnsound } from "./store-error.ts";
import { inTransaction, readMembers, readRow, storeExists, withStore, type StorePlace } from "./store.ts";
import { clearReservation, tokenPrefix } from "./take.ts";
import { bearWitness, readWitness } from "./witness.ts";

/** What others do to a lease that they do not hold. Each answers BUSY when the store is locked at this moment. */

export function requestYield(place: StorePlace, by: string): true | Busy {
  if (!storeExists(place)) return true;
  return withStore(place, (database) =>
    inTransaction(database, () => {
      database.prepare("UPDATE lease SET yield_requested_by=? WHERE id=1 AND state!='free'").run(by);
      return true as const;
    }),
  );
}

export function reserve(place: StorePlace, owner: string): boolean | Busy {
  ensureStore(place);
  return withStore(place, (database) =>
    inTransaction(database, () => {
      const { reservation } = readRow(place, database);
      if (reservation !== null && isSeatTaken(reservation.by)) return reservation.owner === owner && reservation.by.pid === process.pid;
      const { pid, start, boot_id, pid_ns } = seatOfThisProcess();
      database
        .prepare("UPDATE lease SET reserved_for=?, reserved_pid=?, reserved_start=?, reserved_boot_id=?, reserved_pid_ns=? WHERE id=1")
        .run(owner, pid, start, boot_id, pid_ns);
      return true;
    }),
  );
}

export function withdraw(place: StorePlace, owner: string): true | Busy {
  if (!storeExists(place)) return true;
  return withStore(place, (database) =>
    inTransaction(database, () => {
      const { reservation } = readRow(place, database);
      if (reservation?.owner === owner && reservation.by.pid === process.pid) clearReservation(database);
      return true as const;
    }),
  );
}

export function breakLease(place: StorePlace): BreakReport | Busy {
  if (!storeExists(place)) {
    inspect(place);
    return { outcome: "missing", before: null, survivors: [], unreserved: null };
  }
  const report = withStore(place, (database) =>
    inTransaction(database, (): BreakReport => {
      const row = readRow(place, database);
      if (row.state === "free") {
        // Whoever it is kept for may be stopped, and would keep everybody out.
        if (row.reservation !== null) clearReservation(database);
        return { outcome: "missing", before: null, survivors: [], unreserved: row.reservation?.owner ?? null };
      }
      const before = viewOf(place, row, readMembers(database, row.generation), { look: true });
      freeRow(database, row.generation + 1);
      return { outcome: "broken", before, survivors: before.alive, unreserved: null };
    }),
  );
  if (report !== BUSY && report.before !== null) bearWitness(place.witness, report.before.generation + 1);
  return report;
}

/** What to say when the lock could not be had to break the lease. */
export function insideFence(place: StorePlace): ConflictError | null {
  const fence = readFence(place.fence);
  if (fence === null) return null;
  return new ConflictError("LEASE_FENCED", `The holder is inside "${fence.label}", which must not be cut off, in process ${fence.pid}`, {
    hint: `It takes seconds. When the process hangs, end it, which frees the lease at once: kill -KILL ${fence.pid}`,
    details: { label: fence.label, pid: fence.pid },
  });
}

/**
 * Makes a store that cannot be trusted anew, above every generation that was seen.
 *
 * @throws ConflictError LEASE_IN_USE
 */
export function repair(place: StorePlace): "repaired" | "sound" | Busy {
  // There never was one, and perhaps no state folder either.
  if (!storeExists(place) && readWitness(place.witness) === null) return "sound";
  using lock = tryFileLock(place.repairLock, "exclusive");
  if (lock === undefined) return BUSY;
  // Another repair may have ended a moment ago, and somebody may hold what it made.
  const state = soundness(place);
  if (state !== "unsound") return state;
  refuseWhileAlive(place);
  const generation = Math.max(Date.now(), readWitness(place.witness) ?? 0, readableGeneration(place)) + 1;
  for (const name of readdirSync(place.stateDir)) if (name.startsWith("lease.broken-")) removeTree(join(place.stateDir, name));
  if (storeExists(place)) {
    renameSync(place.folder, join(place.stateDir, `lease.broken-${Date.now()}`));
    syncFolder(place.stateDir);
  }
  return buildStore(place, generation) ? "repaired" : "sound";
}

function soundness(place: StorePlace): "sound" | "unsound" | Busy {
  try {
    const view = inspect(place);
    // Also those that nobody uses at this moment: the next holder needs one.
    if (view !== null && view !== BUSY) for (const name of beaconsIn(place.folder)) askBeacon(place.folder, name);
    return view === BUSY ? BUSY : "sound";
  } catch (error) {
    if (isUnsound(error)) return "unsound";
    throw error;
  }
}

/** By every trace that does not need the store: readers of its beacons, also of removed ones, and its tokens in environments. */
function refuseWhileAlive(place: StorePlace): void {
  const lit = isFolder(place.folder) ? beaconsIn(place.folder).filter((name) => isLit(place.folder, name)) : [];
  const named = processesWithVariable(LEASE_VARIABLE, `${tokenPrefix(place)}-`).filter((pid) => pid !== process.pid);
  const pids = [...new Set([...processesWithOpenFiles(place.stateDir, BEACON), ...named])];
  if (lit.length === 0 && pids.length === 0) return;
  throw new ConflictError("LEASE_IN_USE", "Somebody still works under the lease", {
    hint:
      pids.length === 0
        ? `A process that this account cannot see keeps ${lit.join(", ")} open: stop heavy work first, then run this again`
        : `Stop it first, then run this again: process ${pids.join(", ")}`,
    details: { pids, beacons: lit },
  });
}

/** Also in a store that was moved aside, and a removed one. Not the database: those who only ask have that open as well. */
const BEACON = /\/beacon-\d+(?: \(deleted\))?$/;

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** What is no pipe any more has no reader; that is one of the things to repair. */
function isLit(folder: string, name: string): boolean {
  try {
    return askBeacon(folder, name) === "reader";
  } catch (error) {
    if (isUnsound(error)) return false;
    throw error;
  }
}

function readableGeneration(place: StorePlace): number {
  try {
    const generation = withStore(place, (database) =>
      Number(database.prepare("SELECT generation FROM lease WHERE id=1").get()?.["generation"] ?? 0),
    );
    return generation === BUSY ? 0 : generation;
  } catch {
    return 0;
  }
}
