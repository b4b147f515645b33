import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errnoOf, makeFolder, removeTree, syncFolder } from "../../kernel/index.ts";
import { makeBeacons } from "./beacon.ts";
import { testBeacon } from "./self-test.ts";
import { SCHEMA } from "./schema.ts";
import { refuseRemoteFolder, storeExists, type StorePlace } from "./store.ts";
import { storeMissing } from "./store-error.ts";
import { bearWitness, readWitness } from "./witness.ts";

const BEACONS = ["beacon-0", "beacon-1", "beacon-2"];

/**
 * Makes the store of an instance that never had one. It appears by one rename, complete: "create what is missing" let a
 * second holder in after a database was removed.
 *
 * @throws HostError LEASE_STORE_MISSING when there was one before
 */
export function ensureStore(place: StorePlace): void {
  if (storeExists(place)) return;
  const known = readWitness(place.witness);
  if (known !== null && !storeExists(place)) throw storeMissing(place.folder, `it was there, and generation ${known} was seen`);
  makeFolder(place.stateDir);
  refuseRemoteFolder(place.stateDir);
  // The only decision that a clock is read for: a store made after the whole state folder was lost must number higher.
  buildStore(place, Date.now() + 1);
}

/** @returns false when another process was first */
export function buildStore(place: StorePlace, generation: number): boolean {
  const building = join(place.stateDir, `lease.new-${randomUUID()}`);
  mkdirSync(building, { mode: 0o700 });
  try {
    makeBeacons(building, BEACONS);
    testBeacon(building, "beacon-0");
    const database = new DatabaseSync(join(building, "lease.db"));
    try {
      database.exec("PRAGMA synchronous=EXTRA");
      database.exec(SCHEMA);
      database.prepare("INSERT INTO lease(id, generation, state) VALUES(1, ?, 'free')").run(generation);
    } finally {
      database.close();
    }
    syncFolder(building);
    renameSync(building, place.folder);
  } catch (error) {
    removeTree(building);
    const errno = errnoOf(error);
    if (errno === "ENOTEMPTY" || errno === "EEXIST") return false;
    throw error;
  }
  syncFolder(place.stateDir);
  removeAbandoned(place.stateDir);
  bearWitness(place.witness, generation);
  return true;
}

/** Long enough that nobody is still building. Milliseconds. */
const ABANDONED = 3_600_000;

/** What a process that was killed while it made a store left behind. */
function removeAbandoned(stateDir: string): void {
  for (const name of readdirSync(stateDir).filter((one) => one.startsWith("lease.new-"))) {
    const path = join(stateDir, name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs !== undefined && Date.now() - mtimeMs > ABANDONED) removeTree(path);
  }
}
