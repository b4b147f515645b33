import { backup, DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { ConflictError, lstatAt, monotonicNow } from "../kernel/index.ts";

/** How long a writer of the live database is waited for. Milliseconds. */
const PATIENCE = 5000;

/**
 * Puts a checked copy into a live database through SQLite's backup API: one transaction on the live file, whose inode,
 * journal mode and open connections stay. A process that dies half-way leaves a transaction that SQLite rolls back.
 *
 * Must not run in a process that has connections of its own to the live database.
 *
 * @throws ConflictError TARGET_HELD when a transaction of somebody else stays open
 */
export async function writeOnline(staged: string, live: string): Promise<void> {
  if (lstatAt(live)?.isFile() !== true)
    throw new ConflictError("RESTORE_REFUSED", `There is no live database at "${live}" to write into`, { hint: "Leave out --online" });
  using source = new DatabaseSync(`${pathToFileURL(staged).href}?immutable=1`, { readOnly: true });
  const started = monotonicNow();
  let moved = false;
  try {
    await backup(source, live, {
      rate: 1_000_000_000,
      progress: ({ totalPages, remainingPages }) => {
        moved ||= totalPages > 0 && remainingPages < totalPages;
        // The API answers a busy database by asking again at once, for ever.
        if (monotonicNow() - started > PATIENCE) throw new Error("The database stayed locked by a transaction of another process");
      },
    });
  } catch (cause) {
    throw new ConflictError(
      "TARGET_HELD",
      `Cannot write into the live database "${live}": ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: "Nothing of it was changed; try again when its writer has committed, or restore without --online while the runtime is stopped",
      },
    );
  }
}
