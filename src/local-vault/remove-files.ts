import { unlink } from "node:fs";
import { errnoOf } from "../kernel/index.ts";

/** So many are under way at once, for as many threads as Node has for that. */
const AT_ONCE = 512;

/**
 * Deletes files, several at a time: for one the disk is waited for longer than anything is done. What is gone already is no
 * failure. When one cannot be deleted the others of its batch are tried nevertheless, and nothing is under way any more when it fails.
 *
 * @param onTried called after each
 * @throws what the system says of the first that it does not delete
 */
export async function removeFiles(paths: readonly string[], onTried: () => void): Promise<void> {
  for (let start = 0; start < paths.length; start += AT_ONCE) {
    const failures: unknown[] = [];
    await Promise.all(
      paths.slice(start, start + AT_ONCE).map(
        (path) =>
          new Promise<void>((resolve) => {
            unlink(path, (error) => {
              if (error !== null && errnoOf(error) !== "ENOENT") failures.push(error);
              onTried();
              resolve();
            });
          }),
      ),
    );
    if (failures.length > 0) throw failures[0];
  }
}
