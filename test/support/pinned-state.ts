import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/**
 * Reads a copy of what pinned-writer-child.ts writes.
 *
 * @returns the number of its last transaction
 * @throws when it is not one whole committed state
 */
export function checkPinned(path: string, thorough: boolean): number {
  using database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  const one = (sql: string): Record<string, unknown> => database.prepare(sql).get() ?? {};
  const wrong = (what: string): never => {
    throw new Error(`"${path}" is torn: ${what}`);
  };
  const total = one("SELECT number, rows, bytes FROM total");
  const junk = one("SELECT count(*) AS rows, coalesce(sum(length(text)), 0) AS bytes FROM junk");
  if (total["rows"] !== junk["rows"] || total["bytes"] !== junk["bytes"]) wrong(`${JSON.stringify(total)} and ${JSON.stringify(junk)}`);
  const { sum } = one("SELECT sum(balance) AS sum FROM account");
  if (sum !== 1_000_000) wrong(`the accounts hold ${String(sum)}`);
  const number = Number(total["number"]);
  const blobs = database.prepare("SELECT id, body, sha256, number FROM blob").all() as {
    id: number;
    body: Uint8Array;
    sha256: string;
    number: number;
  }[];
  for (const { id, body, sha256, number: written } of blobs) {
    if (hash("sha256", body) !== sha256) wrong(`blob ${id}`);
    if (written > number) wrong(`blob ${id} is of transaction ${written}, after ${number}`);
  }
  if (blobs.length > 0 && number > 0 && !blobs.some((blob) => blob.number === number)) wrong(`no blob is of transaction ${number}`);
  if (thorough) {
    const found = database
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => Object.values(row)[0]);
    if (found.length !== 1 || found[0] !== "ok") wrong(`integrity_check says ${found.slice(0, 3).join("; ")}`);
  }
  return number;
}
