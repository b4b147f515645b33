import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * What the runtime's own checkpoint does once its log is long enough: every page of the log goes into the database file. Then
 * one row is written, so that the log is not empty, and no longer than what that row takes: bytes of an old log that lay behind
 * it would be stored by a peer that takes the files as they are.
 *
 * @throws Error when a reader kept the log from being emptied, or when nobody else has the database open
 */
export function checkpoint(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA synchronous = normal");
    const done = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    if (done?.["busy"] !== 0) throw new Error(`The log of ${path} could not be emptied: ${JSON.stringify(done)}`);
    database.prepare("UPDATE meta SET value = ? WHERE key = 'purpose'").run(`bench, checkpoint at ${Date.now()}`);
  } finally {
    database.close();
  }
  // Without another connection, closing this one has removed the log.
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0) throw new Error(`Nobody else has ${path} open`);
}
