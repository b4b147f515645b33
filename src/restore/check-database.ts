import { messageOf, SQLITE, sqliteCodeOf } from "../kernel/index.ts";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** What can be said of a restored database. */
export interface DatabaseCheck {
  /** null when there is nothing to say against it, else the first complaint. */
  readonly complaint: string | null;
  /** The file itself is broken. Rows that refer to none, and a check that needs what only the application has, are not that. */
  readonly damaged: boolean;
}

const SOUND: DatabaseCheck = { complaint: null, damaged: false };

/**
 * PRAGMA integrity_check and foreign_key_check on a copy that nobody else has open.
 * Opened with immutable=1, so that no sidecar stays beside it.
 */
export function checkDatabase(path: string): DatabaseCheck {
  try {
    const database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
    try {
      const check = integrityOf(database);
      return check === SOUND ? referencesOf(database) : check;
    } finally {
      database.close();
    }
  } catch (error) {
    return { complaint: messageOf(error), damaged: true };
  }
}

function integrityOf(database: DatabaseSync): DatabaseCheck {
  try {
    const answer = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
    return answer === "ok" ? SOUND : { complaint: `integrity_check: ${String(answer)}`, damaged: true };
  } catch (error) {
    if (!needsApplication(error)) throw error;
    return { complaint: `integrity_check could not run here: ${messageOf(error)}`, damaged: false };
  }
}

/** SQLite does not enforce foreign keys unless an application asks for it, so that a healthy one may hold such rows. */
function referencesOf(database: DatabaseSync): DatabaseCheck {
  try {
    const orphan = database.prepare("PRAGMA foreign_key_check").get();
    if (orphan === undefined) return SOUND;
    return {
      complaint: `foreign_key_check: a row of "${String(orphan["table"])}" refers to a row of "${String(orphan["parent"])}" that is not there`,
      damaged: false,
    };
  } catch (error) {
    if (!needsApplication(error)) throw error;
    return { complaint: `foreign_key_check could not run here: ${messageOf(error)}`, damaged: false };
  }
}

/** A collation, function or module that only the application has says nothing about the bytes. */
function needsApplication(error: unknown): boolean {
  return sqliteCodeOf(error) === SQLITE.ERROR;
}
