import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/**
 * PRAGMA integrity_check and foreign_key_check on a copy that nobody else has open.
 * Opened with immutable=1, so that no sidecar stays beside it.
 *
 * @returns null when it is sound, else the first complaint
 */
export function checkDatabase(path: string): string | null {
  try {
    const database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
    try {
      const complaint = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
      if (complaint !== "ok") return `integrity_check: ${String(complaint)}`;
      const orphan = database.prepare("PRAGMA foreign_key_check").get();
      return orphan === undefined ? null : `foreign_key_check: a row of "${String(orphan["table"])}" refers to a row of "${String(orphan["parent"])}" that is not there`;
    } finally {
      database.close();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
