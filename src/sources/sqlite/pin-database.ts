import { dirname } from "node:path";
import type { BigIntStats } from "node:fs";
import { errnoOf, HoldfastError, identityOf, lstatAt, unsafeFileSystem } from "../../kernel/index.ts";
import type { DatabaseLook, Span } from "../../vault/index.ts";
import { isCold, settledState } from "./cold-database.ts";
import { copyTime } from "./copy-time.ts";
import type { DatabaseState } from "./database-state.ts";
import { holdSnapshot, type HeldSnapshot } from "./held-snapshot.ts";
import { databaseLook } from "./known-database.ts";
import { keepOwners, openingAccount } from "./opening-account.ts";
import { watchPin, type PinBounds, type PinWatch } from "./pin-bounds.ts";
import type { Pinned, PinMode } from "./pin-protocol.ts";
import { scanWal, type ScannedWal } from "./scan-wal.ts";
import { snapshotSpans } from "./snapshot-spans.ts";
import { requireSafeSqlite } from "./sqlite-version.ts";

const TRIES = 3;
const CANTOPEN = 14;
/** Beside the time that a locked database is waited for. Milliseconds. */
const OPENING = 10_000;
/** A list of more pieces costs more than the copy that it saves. */
const MOST_SPANS = 400_000;

export interface DatabaseToPin {
  /** Links followed. */
  readonly path: string;
  readonly busyTimeout: number;
  /** In what ways it may be held. */
  readonly modes: readonly PinMode[];
  readonly bounds: PinBounds;
  readonly signal: AbortSignal | undefined;
}

/** A database that another process holds still for as long as `snapshot` lives, or that is cold. */
export interface PinnedDatabase {
  readonly path: string;
  /** Of the original, before it was opened. */
  readonly stats: BigIntStats;
  /** What it looked like before its snapshot was taken: whatever is committed later shows. */
  readonly look: DatabaseLook | undefined;
  readonly answer: Pinned;
  readonly spans: readonly Span[];
  /** As it was before it was read, when nothing but that holds it. */
  readonly cold: DatabaseState | null;
  /** What was taken from its log; null when the file alone is the snapshot. */
  readonly log: Pick<ScannedWal, "identity" | "header" | "frames"> | null;
  /** The file once the snapshot was held. */
  readonly file: { readonly size: bigint; readonly mtimeNs: bigint };
  readonly snapshot: HeldSnapshot;
  /** Ends the snapshot when it was held for as long as it may be. */
  readonly watch: PinWatch;
  readonly warnings: readonly string[];
}

/**
 * Has a snapshot of a database held, and finds out where each of its pages lies.
 *
 * @returns undefined when that cannot be had of it: it is in another journal mode, too large, under several names, or
 *   did not hold still. The reason is told by staging it, which refuses what cannot be read at all
 */
export async function pinDatabase(database: DatabaseToPin): Promise<PinnedDatabase | undefined> {
  requireSafeSqlite();
  if (unsafeFileSystem(dirname(database.path)) !== undefined) return undefined;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const state = await settledState(database.path, database.signal);
    const mode = state === undefined ? undefined : modeOf(state, database);
    if (state === undefined || mode === undefined) return undefined;
    const snapshot = holdSnapshot(database.signal);
    let pinned: PinnedDatabase | "again" | undefined;
    try {
      pinned = await attemptPin(database, state, mode, snapshot);
    } catch (error) {
      if (!isOfTheSource(error)) throw error;
    } finally {
      if (typeof pinned !== "object") await snapshot.end();
    }
    if (pinned !== "again") return pinned;
  }
  return undefined;
}

/** One name, so that its log lies beside it; no journal of an interrupted change of mode. Nobody waits for what is cold, however large it is. */
function modeOf(state: DatabaseState, { modes, bounds }: DatabaseToPin): PinMode | undefined {
  const { headed, wal, stats, sidecars } = state;
  if (!headed || stats.nlink !== 1n) return undefined;
  if (modes.includes("cold") && isCold(state)) return "cold";
  if (sidecars.has(wal ? "-journal" : "-wal")) return undefined;
  const size = stats.size + (sidecars.get("-wal")?.size ?? 0n);
  if (Number(size) > bounds.largest) return undefined;
  const mode = wal ? "wal" : "rollback";
  return modes.includes(mode) ? mode : undefined;
}

async function attemptPin(
  database: DatabaseToPin,
  state: DatabaseState,
  mode: PinMode,
  snapshot: HeldSnapshot,
): Promise<PinnedDatabase | "again" | undefined> {
  const { path, busyTimeout, bounds } = database;
  const cold = mode === "cold";
  const as = cold ? null : openingAccount(path, state);
  const slow = setTimeout(() => void snapshot.end(), busyTimeout + OPENING);
  const request = { kind: "pin", mode, path, busyTimeout, as } as const;
  let answer = await snapshot.ask(request);
  // An owner who cannot reach the folder is root's job after all.
  if (answer?.ok === false && as !== null && ((answer.sqlite ?? 0) & 0xff) === CANTOPEN)
    answer = await snapshot.ask({ ...request, as: null });
  clearTimeout(slow);
  const warnings = cold ? [] : keepOwners(path, state);
  if (answer?.ok !== true) return undefined;
  // Nobody waits for the end of a cold one, but a schema can be made so that no question to it ends.
  const within = cold ? { duration: copyTime(Number(state.stats.size), busyTimeout), growth: Infinity } : bounds;
  const watch = watchPin(`${path}-wal`, within, () => void snapshot.end());
  const where = await whereItLies(database, state, answer).catch((error: unknown) => {
    watch[Symbol.dispose]();
    throw error;
  });
  // It took too long to read the log alone.
  if (watch.expired()) return undefined;
  if (typeof where === "object")
    return {
      path,
      stats: state.stats,
      look: databaseLook(state),
      answer,
      cold: cold ? state : null,
      ...where,
      snapshot,
      watch,
      warnings,
    };
  watch[Symbol.dispose]();
  return where;
}

/** Which spans make up the snapshot that is held. */
async function whereItLies(
  { path, signal }: DatabaseToPin,
  { stats }: DatabaseState,
  answer: Pinned,
): Promise<Pick<PinnedDatabase, "spans" | "log" | "file"> | "again" | undefined> {
  const now = lstatAt(path);
  if (now === undefined || !isSame(answer.before, stats) || !isSame(answer.after, stats) || !isSame(answer.after, now)) return "again";
  const { index, pageSize, pages } = answer;
  // Without a log there is nothing that could lie behind the end of the file.
  if (index === null && Number(now.size) < pages * pageSize) return undefined;
  // Whatever is in the file already is taken from there: then the log may be begun anew under a reader of it.
  const log = index === null || index.backfilled >= index.frames ? null : await scanWal(`${path}-wal`, index.frames, signal);
  if (log === undefined || (log !== null && !isSeen(log, answer))) return "again";
  const spans = snapshotSpans({
    pageSize,
    pages,
    file: { path, identity: identityOf(now), size: Number(now.size) },
    log: log === null ? null : { path: `${path}-wal`, identity: log.identity, pageOf: log.pageOf },
  });
  if (spans.length === 0 || spans.length > MOST_SPANS) return undefined;
  return { spans, log, file: { size: now.size, mtimeNs: now.mtimeNs } };
}

/** Whether what was read of a log is what the transaction sees of it. */
function isSeen(log: ScannedWal, { index, pageSize, pages }: Pinned): boolean {
  return (
    log.frames === index?.frames &&
    log.salts === index.salts &&
    log.pageSize === pageSize &&
    log.pages === pages &&
    log.checksum.every((sum, at) => sum === index.checksum[at])
  );
}

/** What staging meets again and says in words; not an interruption, and not a defect. */
function isOfTheSource(error: unknown): boolean {
  return error instanceof HoldfastError ? error.row.kind === "capture" : /^E[A-Z0-9]+$/.test(errnoOf(error) ?? "");
}

function isSame(seen: { readonly device: string; readonly inode: string }, stats: BigIntStats): boolean {
  return seen.device === stats.dev.toString() && seen.inode === stats.ino.toString();
}
