import { closeSync, openSync, rmSync } from "node:fs";
import type { CopyAnswer, CopyRequest } from "./copy-protocol.ts";
import { copySnapshot } from "./copy-snapshot.ts";
import type { DatabaseChild } from "./database-child.ts";
import { stillCold } from "./cold-database.ts";
import { databaseState, type DatabaseState } from "./database-state.ts";

const CANTOPEN = 14;
/** Below this, a process that holds the snapshot takes longer than it saves: measured, docs/decisions/0023. Bytes. */
const WORTH_A_PROCESS = 64 * 1024 * 1024;

export interface DatabaseToCopy {
  readonly request: CopyRequest;
  /** Of the database, before anybody opened it. */
  readonly state: DatabaseState;
  /** Of the database and its log. */
  readonly bytes: number;
  /** Milliseconds. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Copies one committed state of a database: a large one from where its pages lie, a small one, and one that did not hold
 * still for that, with SQLite's backup(). The bytes are the same both ways.
 *
 * @returns undefined when it was to be read as one that nobody has open, and somebody has opened it since
 */
export async function copyDatabase(database: DatabaseToCopy, child: DatabaseChild): Promise<CopyAnswer | undefined> {
  const copied = await copiedInPlace(database, child);
  if (copied !== undefined) return copied;
  const { request, state } = database;
  // Opened as if nobody wrote to it, it would be damaged for all that SQLite can tell.
  if (request.cold && !stillCold(state, databaseState(request.path))) return undefined;
  return await copiedBySqlite(database, child);
}

/** undefined: the copy cannot be had so, or is not what the snapshot was. */
async function copiedInPlace(
  { request, state, bytes, deadline, signal }: DatabaseToCopy,
  child: DatabaseChild,
): Promise<CopyAnswer | undefined> {
  if (bytes < WORTH_A_PROCESS) return undefined;
  // It opens the copy, and gets ready meanwhile.
  child.start();
  const { path, target, busyTimeout, cold } = request;
  const pinned = await copySnapshot({ path, cold, identity: state.identity, target, busyTimeout, deadline, signal }, child);
  if (pinned === undefined) return undefined;
  const answer = await child.copy({ ...request, copied: true }, deadline, signal);
  const { pageSize, pages, userVersion, applicationId, schemaSha256 } = pinned;
  const same =
    answer.ok &&
    answer.pageSize === pageSize &&
    answer.pages === pages &&
    answer.userVersion === userVersion &&
    answer.applicationId === applicationId &&
    answer.schemaSha256 === schemaSha256;
  return same ? answer : undefined;
}

async function copiedBySqlite({ request, deadline, signal }: DatabaseToCopy, child: DatabaseChild): Promise<CopyAnswer> {
  const answer = await copyInto(request, child, deadline, signal);
  if (answer.ok || request.as === null || ((answer.sqlite ?? 0) & 0xff) !== CANTOPEN) return answer;
  // An owner who cannot reach the folder (a container's volume below a closed one) is root's job after all.
  return await copyInto({ ...request, as: null }, child, deadline, signal);
}

async function copyInto(
  request: CopyRequest,
  child: DatabaseChild,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<CopyAnswer> {
  rmSync(request.target, { force: true });
  closeSync(openSync(request.target, "wx", 0o600));
  return await child.copy(request, deadline, signal);
}
