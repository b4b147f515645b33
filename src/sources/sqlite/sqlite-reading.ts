import type { Reading } from "../../vault/index.ts";
import { stagedContent } from "../content.ts";
import { damagedDatabase } from "../damaged-database.ts";
import { headOf } from "../head.ts";
import type { Notes } from "../notes.ts";
import { readingOf } from "../reading-of.ts";
import type { ReadingRequest } from "../reading-request.ts";
import { rootError, type Root } from "../root.ts";
import { hasDatabaseHeader, hasLogBeside } from "../sniff.ts";
import type { StagingFolder } from "../staging-folder.ts";
import { BUSY_TIMEOUT } from "./busy-timeout.ts";
import { databaseChild } from "./database-child.ts";
import { knownDatabase, type KnownDatabase } from "./known-database.ts";
import { pinnedReading } from "./pinned-reading.ts";
import { stageDatabase, type StagedDatabase } from "./stage-database.ts";

/**
 * One database: held still by another process where that is wanted and can be had, else copied before this resolves. What
 * it says does not depend on when it is stored.
 */
export async function sqliteReading(root: Root, request: ReadingRequest, notes: Notes, staging: StagingFolder): Promise<Reading> {
  requireHeader(root, request);
  // A component that was a folder with this database in it is not what this one is.
  const whole = request.remembered.single ? knownDatabase(root.real, root.name, request, "whole") : undefined;
  const known = whole ?? knownDatabase(root.real, root.name, request);
  if (known !== undefined) return knownReading(root, request, known, { notes, staging, untouched: whole !== undefined });
  const pinned = await pinnedReading(root, request, notes);
  if (pinned !== undefined) return pinned;
  const target = staging.fresh();
  const child = databaseChild();
  let staged: StagedDatabase | undefined;
  try {
    staged = await stageDatabase(
      {
        path: root.real,
        within: undefined,
        target,
        known: request.quickCheckBefore?.get(root.name),
        busyTimeout: request.busyTimeout ?? BUSY_TIMEOUT,
        now: request.now,
        signal: request.signal,
      },
      child,
    );
  } finally {
    await child.close();
  }
  if (staged === undefined)
    throw rootError(root.path, request.component, Object.assign(new Error("The file vanished"), { code: "ENOENT" }));
  for (const warning of staged.warnings) notes.warn(warning);
  if (staged.suspect) notes.suspect();
  const { content, size } = stagedContent(target, staged.look);
  const { sparse: _, ...head } = headOf(root.name, "file", staged.stats);
  const { details } = staged;
  return readingOf({
    signal: request.signal,
    *entries() {
      yield { head: { ...head, size, database: true }, content };
    },
    report: () => ({ source: "sqlite", resolved_path: root.real, sqlite: details, ...notes.result() }),
    close: () => staging.remove(),
  });
}

/** Nothing of it is read: the vault has it as it is. */
function knownReading(
  root: Root,
  request: ReadingRequest,
  { stats, details, size }: KnownDatabase,
  { notes, staging, untouched }: { readonly notes: Notes; readonly staging: StagingFolder; readonly untouched: boolean },
): Reading {
  const { sparse: _, ...head } = headOf(root.name, "file", stats);
  return readingOf({
    ...(untouched ? { untouched } : {}),
    signal: request.signal,
    *entries() {
      yield { head: { ...head, size, database: true }, content: { kind: "known" } };
    },
    report: () => ({ source: "sqlite", resolved_path: root.real, sqlite: details, ...notes.result() }),
    close: () => staging.remove(),
  });
}

function requireHeader(root: Root, request: ReadingRequest): void {
  let headed: boolean;
  try {
    headed = hasDatabaseHeader(root.real);
  } catch (cause) {
    throw rootError(root.path, request.component, cause);
  }
  if (headed) return;
  if (root.stats.size === 0n) throw damagedDatabase(root.path, "empty");
  if (request.remembered.single) throw damagedDatabase(root.path, "header-lost");
  throw damagedDatabase(root.path, hasLogBeside(root.real) ? "log-beside" : "no-header");
}
