/**
 * How each kind of state is read consistently: tree, file, sqlite, json, log, command. Opens a Reading of a
 * component and nothing else: it stores nothing, knows no vault's form, and takes no lease.
 * - What cannot be read consistently fails its component loudly; a raw copy is made for a salvage alone, and named so.
 * - A database is opened by a child process, through SQLite alone; this process reads its header bytes at most, and the log
 *   of one that is read in place, which a child holds still meanwhile.
 * - What `avoid` names is compared by device and inode before anything is opened.
 * - Nothing is left out in silence: every omission that the rules did not ask for is in the report.
 */
export { openReading } from "./open-reading.ts";
export { survey, type Survey } from "./survey.ts";
export { surveyTree, type TreeFind } from "./survey-tree.ts";
export { problemInJson, type JsonProblem } from "./json-problem.ts";
export { hasDatabaseHeader, SIDECARS, sniffKind } from "./sniff.ts";
export type { CommandRequest, ReadingRequest, Remembered, Salvage } from "./reading-request.ts";
export { isSafeSqlite } from "./sqlite/sqlite-version.ts";
