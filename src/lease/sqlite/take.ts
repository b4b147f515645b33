import { randomBytes } from "node:crypto";
import { closeSync } from "node:fs";
import { hostname } from "node:os";
import type { DatabaseSync } from "node:sqlite";
import { createHash } from "node:crypto";
import type { LeaseRow } from "../lease-row.ts";
import type { LeaseView } from "../view.ts";
import { askBeacon, beaconsIn, lightBeacon, makeBeacons, nextBeacon } from "./beacon.ts";
import { BUSY, type Busy } from "./busy.ts";
import { ensureStore } from "./create-store.ts";
import { isAlive, isSeatTaken, seatOfThisProcess } from "./liveness.ts";
import { inTransaction, readMembers, readRow, refuseRemoteFolder, withStore, type StorePlace } from "./store.ts";
import { viewOf } from "./inspect.ts";
import { bearWitness } from "./witness.ts";

export interface TakeRequest {
  readonly owner: string;
  readonly reason: string | null;
  readonly token: string | null;
  readonly overReservation: boolean;
}

/** A lease in hand: what its holder needs to know, as plain data. */
export interface Grip {
  readonly generation: number;
  readonly token: string;
  /** Open read end of the beacon, of this process. */
  readonly descriptor: number;
  readonly joined: boolean;
}

export type TakeAnswer =
  | { readonly taken: Grip; readonly afterDeadHolder: boolean; readonly foreignToken: boolean }
  | { readonly held: LeaseView; readonly reservedFor: string | null; readonly foreignToken: boolean };

/** Every token of one store begins alike, so that `repair` finds who works under a store that it cannot read. */
export function tokenPrefix(place: StorePlace): string {
  return createHash("sha256").update(place.folder).digest("hex").slice(0, 12);
}

/** One attempt to take the lease, or to join it with its own token. Answers from what it can read before it asks for the lock. */
export function take(place: StorePlace, request: TakeRequest): TakeAnswer | Busy {
  ensureStore(place);
  refuseRemoteFolder(place.stateDir);
  return withStore(place, (database) => {
    const seen = readRow(place, database);
    if (!mayJoin(seen, request)) {
      const refusal = refuse(place, database, seen, request, "look");
      if (refusal !== null) return refusal;
    }
    return withDescriptor((keep) => inTransaction(database, () => takeUnderLock(place, database, request, keep)), place);
  });
}

function takeUnderLock(place: StorePlace, database: DatabaseSync, request: TakeRequest, keep: (descriptor: number) => void): TakeAnswer {
  const row = readRow(place, database);
  if (mayJoin(row, request)) return { taken: join(place, database, row, keep), afterDeadHolder: false, foreignToken: false };
  const refusal = refuse(place, database, row, request, "decide");
  if (refusal !== null) return refusal;
  const beacon = freeBeacon(place);
  const descriptor = lightBeacon(place.folder, beacon);
  keep(descriptor);
  const generation = row.generation + 1;
  const token = `${tokenPrefix(place)}-${randomBytes(16).toString("hex")}`;
  const seat = seatOfThisProcess();
  database
    .prepare(
      `UPDATE lease SET generation=?, state='held', token=?, owner=?, reason=?, beacon=?, pid=?, start=?, boot_id=?, pid_ns=?, host=?,
       acquired_at=?, yield_requested_by=NULL WHERE id=1`,
    )
    .run(generation, token, request.owner, request.reason, beacon, seat.pid, seat.start, seat.boot_id, seat.pid_ns, hostname(), Date.now());
  if (row.reservation !== null && (isOwnReservation(row, request) || !isSeatTaken(row.reservation.by))) clearReservation(database);
  database.exec("DELETE FROM member");
  return {
    taken: { generation, token, descriptor, joined: false },
    // One that drains was released: nobody died without a word.
    afterDeadHolder: row.state === "held",
    foreignToken: request.token !== null,
  };
}

function mayJoin(row: LeaseRow, { token }: TakeRequest): boolean {
  return token !== null && row.token === token;
}

function join(place: StorePlace, database: DatabaseSync, row: LeaseRow, keep: (descriptor: number) => void): Grip {
  const descriptor = lightBeacon(place.folder, row.beacon ?? "");
  keep(descriptor);
  const { pid, start, boot_id, pid_ns } = seatOfThisProcess();
  database
    .prepare("INSERT OR REPLACE INTO member(generation, pid, start, boot_id, pid_ns, role, label) VALUES(?,?,?,?,?,'joined',NULL)")
    .run(row.generation, pid, start, boot_id, pid_ns);
  return { generation: row.generation, token: row.token ?? "", descriptor, joined: true };
}

/**
 * Why not, or null. `look` reads without the lock, asks only the beacon, and leaves everything else to `decide`.
 */
function refuse(place: StorePlace, database: DatabaseSync, row: LeaseRow, request: TakeRequest, how: "look" | "decide"): TakeAnswer | null {
  const members = (): ReturnType<typeof readMembers> => readMembers(database, row.generation);
  const refusal = (reservedFor: string | null): TakeAnswer => ({
    held: viewOf(place, row, members(), { look: false }),
    reservedFor,
    foreignToken: request.token !== null,
  });
  if (row.state !== "free") {
    const lives =
      how === "look" ? row.beacon !== null && askBeacon(place.folder, row.beacon) === "reader" : isAlive(place.folder, row, members);
    if (lives) return refusal(null);
    if (how === "look") return null;
  }
  const { reservation } = row;
  if (reservation === null || request.overReservation || isOwnReservation(row, request) || !isSeatTaken(reservation.by)) return null;
  return refusal(reservation.owner);
}

function isOwnReservation({ reservation }: LeaseRow, { owner }: TakeRequest): boolean {
  return reservation !== null && reservation.owner === owner && reservation.by.pid === process.pid && isSeatTaken(reservation.by);
}

export function clearReservation(database: DatabaseSync): void {
  database.exec(
    "UPDATE lease SET reserved_for=NULL, reserved_pid=NULL, reserved_start=NULL, reserved_boot_id=NULL, reserved_pid_ns=NULL WHERE id=1",
  );
}

/** A reader that leaked from an earlier holder only keeps its slot: the next holder uses another. */
function freeBeacon({ folder }: StorePlace): string {
  const names = beaconsIn(folder);
  const free = names.find((name) => askBeacon(folder, name) === "no-reader");
  if (free !== undefined) return free;
  const name = nextBeacon(names);
  makeBeacons(folder, [name]);
  return name;
}

/** Whatever goes wrong after the beacon was opened closes it again, so that no failed attempt looks alive. */
function withDescriptor(attempt: (keep: (descriptor: number) => void) => TakeAnswer | Busy, place: StorePlace): TakeAnswer | Busy {
  let opened: number | undefined;
  let kept = false;
  try {
    const answer = attempt((descriptor) => (opened = descriptor));
    kept = answer !== BUSY;
    if (answer !== BUSY && "taken" in answer && !answer.taken.joined) witness(place, answer.taken.generation);
    return answer;
  } finally {
    if (!kept && opened !== undefined) closeSync(opened);
  }
}

/** The lease is committed by now: a witness that cannot be written makes later tampering harder to see, and nothing unsafe. */
function witness(place: StorePlace, generation: number): void {
  try {
    bearWitness(place.witness, generation);
  } catch {
    // Told by doctor, which compares the two
  }
}
