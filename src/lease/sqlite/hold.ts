import { closeSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { ConflictError } from "../../kernel/index.ts";
import type { ReleaseOutcome } from "../keeper.ts";
import type { LeaseRow } from "../lease-row.ts";
import { BUSY, isBusy, type Busy } from "./busy.ts";
import { livingMembers, seatOfProcess } from "./liveness.ts";
import { clearFence, writeFence } from "./progress-file.ts";
import { inTransaction, named, openStore, readMembers, readRow, withStore, type StorePlace } from "./store.ts";
import type { Grip } from "./take.ts";

/** What a holder does with its lease. Each answers BUSY when the store is locked at this moment. */

/** @throws ConflictError LEASE_LOST */
export function check(place: StorePlace, grip: Grip): { readonly yieldRequestedBy: string | null } | Busy {
  return withStore(place, (database) => {
    const row = readRow(place, database);
    refuseLost(row, grip);
    return { yieldRequestedBy: row.yieldRequestedBy };
  });
}

/** What drains was released by its holder; whoever joined works on under it. */
function refuseLost(row: LeaseRow, grip: Grip): void {
  if (row.generation !== grip.generation || row.token !== grip.token || (row.state === "draining" && !grip.joined))
    throw lost(grip, row.generation);
}

export function lost({ generation }: Grip, now: number): ConflictError {
  return new ConflictError("LEASE_LOST", `The heavy-maintenance lease of generation ${generation} was taken away; it is ${now} now`, {
    hint: "Nothing was committed after that. See who holds it: holdfast lease status",
    details: { generation, now },
  });
}

export function addChild(place: StorePlace, grip: Grip, pid: number, label: string): true | Busy {
  const seat = seatOfProcess(pid);
  return withStore(place, (database) =>
    inTransaction(database, () => {
      refuseLost(readRow(place, database), grip);
      database
        .prepare("INSERT OR REPLACE INTO member(generation, pid, start, boot_id, pid_ns, role, label) VALUES(?,?,?,?,?,'child',?)")
        .run(grip.generation, seat.pid, seat.start, seat.boot_id, seat.pid_ns, label);
      return true as const;
    }),
  );
}

/** Ends this process's part in the lease. The descriptor is closed once: not on BUSY, which is tried again, and also when the store is gone. */
export function release(place: StorePlace, grip: Grip): ReleaseOutcome | Busy {
  let outcome: ReleaseOutcome | Busy | undefined;
  try {
    outcome = giveBack(place, grip);
    return outcome;
  } finally {
    if (outcome !== BUSY) closeSync(grip.descriptor);
  }
}

/** The same for one whose descriptor is closed already. */
export function giveBack(place: StorePlace, grip: Grip): ReleaseOutcome | Busy {
  return withStore(place, (database) => inTransaction(database, () => (grip.joined ? leave(database, grip) : free(place, database, grip))));
}

function leave(database: DatabaseSync, grip: Grip): ReleaseOutcome {
  database.prepare("DELETE FROM member WHERE generation=? AND pid=? AND role='joined'").run(grip.generation, process.pid);
  return "left";
}

/** A clean release goes by the children that were written down: what made itself independent of them is no reason to hold on. */
function free(place: StorePlace, database: DatabaseSync, grip: Grip): ReleaseOutcome {
  const row = readRow(place, database);
  if (row.state === "free") return "missing";
  if (row.generation !== grip.generation || row.token !== grip.token) return "not-owner";
  if (livingMembers(readMembers(database, row.generation)).length > 0) {
    database.exec("UPDATE lease SET state='draining' WHERE id=1");
    return "draining";
  }
  freeRow(database, row.generation);
  return "released";
}

/** Both sides of the row's rule: what is free has no token. The generation is the caller's: a break raises it. */
export function freeRow(database: DatabaseSync, generation: number): void {
  database
    .prepare(
      `UPDATE lease SET generation=?, state='free', token=NULL, owner=NULL, reason=NULL, beacon=NULL, pid=NULL, start=NULL, boot_id=NULL,
       pid_ns=NULL, host=NULL, acquired_at=NULL, yield_requested_by=NULL WHERE id=1`,
    )
    .run(generation);
  database.exec("DELETE FROM member");
}

export interface OpenFence {
  readonly close: () => void;
}

/**
 * Takes the write lock and keeps it: `break` and every taker need the same one, so that none of them comes between the
 * check and the step. Changes nothing in the store, and ends with a rollback.
 */
export function openFence(place: StorePlace, grip: Grip, label: string): OpenFence | Busy {
  const database = openStore(place);
  if (database === BUSY) return BUSY;
  let open = false;
  try {
    const answer = begin(database);
    if (answer === BUSY) return BUSY;
    refuseLost(readRow(place, database), grip);
    writeFence(place.fence, grip.generation, label);
    open = true;
  } catch (error) {
    throw named(place, error);
  } finally {
    if (!open) database.close();
  }
  return {
    close: () => {
      clearFence(place.fence);
      // Closing ends the transaction, which changed nothing.
      database.close();
    },
  };
}

function begin(database: DatabaseSync): true | Busy {
  try {
    database.exec("BEGIN IMMEDIATE");
    return true;
  } catch (error) {
    if (isBusy(error)) return BUSY;
    throw error;
  }
}
