import type { BigIntStats } from "node:fs";
import { fileLook, type DatabaseLook, type FileLook, type SqliteDetails } from "../../vault/index.ts";
import type { ReadingRequest } from "../reading-request.ts";
import { databaseState, type DatabaseState } from "./database-state.ts";

export interface KnownDatabase {
  readonly stats: BigIntStats;
  readonly details: SqliteDetails;
  /** Bytes of the copy that the vault has. */
  readonly size: number;
}

/**
 * What a database and its log look like; undefined where a look does not tell: a rollback journal may be hot, and a file of
 * several names may have its log beside another.
 */
export function databaseLook({ stats, sidecars }: DatabaseState): DatabaseLook | undefined {
  const journal = sidecars.get("-journal");
  if ((journal !== undefined && journal.size > 0n) || stats.nlink !== 1n) return undefined;
  const log = sidecars.get("-wal");
  return { file: fileLook(stats), log: log === undefined || log.size === 0n ? null : logLook(log) };
}

/**
 * Without the time of its last change of owner or mode: for root, SQLite gives a log its owner anew whenever it opens one, and
 * the look before a copy would never be that after it. What is written to a log moves the other time.
 */
function logLook(stats: BigIntStats): FileLook {
  return { ...fileLook(stats), ctimeNs: stats.mtimeNs };
}

/**
 * A database that has not been touched since it was copied for the backup that the vault compares with.
 *
 * @param how "whole": to be told that everything is untouched; "known": to be given as known
 */
export function knownDatabase(
  absolute: string,
  path: string,
  request: ReadingRequest,
  how: "whole" | "known" = "known",
): KnownDatabase | undefined {
  const before = request.quickCheckBefore?.get(path);
  if (request.known === undefined || before === undefined || request.cut || (request.raw ?? false) !== false) return undefined;
  const state = databaseState(absolute);
  const look = state?.headed === true ? databaseLook(state) : undefined;
  if (state === undefined || look === undefined) return undefined;
  const has = how === "known" ? request.known.hasDatabase(path, look) : request.known.whole && request.known.isDatabaseSame(path, look);
  if (!has) return undefined;
  return { stats: state.stats, details: { ...before, quick_check: "skipped" }, size: before.pages * before.page_size };
}
