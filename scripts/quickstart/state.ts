import { DatabaseSync } from "node:sqlite";

/** What the two accounts of the orchestrator hold together, always. */
export const JOURNAL_SUM = 1_000_000_000;
export const STATES: readonly string[] = ["waiting", "running", "done"];

export interface ProvenState {
  /** Number of the newest row of the journal. */
  readonly last: number;
  readonly tasks: number;
}

/**
 * Reads a restored database and accepts nothing but one whole committed state of the orchestrator.
 *
 * @throws Error that says what is wrong with it
 */
export function proveState(path: string): ProvenState {
  const database = new DatabaseSync(path, { timeout: 30_000 });
  // One state, also of a database that is in use.
  database.exec("BEGIN");
  const read = (sql: string): Record<string, unknown> => database.prepare(sql).get() ?? {};
  try {
    const integrity = read("PRAGMA integrity_check")["integrity_check"];
    if (integrity !== "ok") throw new Error(`integrity_check: ${String(integrity)}`);
    const journal = read("SELECT count(*) AS count, min(number) AS first, max(number) AS last, sum(moved) AS moved FROM journal");
    if (journal["first"] !== 1 || journal["count"] !== journal["last"]) {
      throw new Error(
        `The journal has gaps: ${String(journal["count"])} rows, numbered ${String(journal["first"])} to ${String(journal["last"])}`,
      );
    }
    const sum = read("SELECT sum(points) AS sum FROM accounts")["sum"];
    if (sum !== JOURNAL_SUM) throw new Error(`The accounts hold ${String(sum)} together, not ${JOURNAL_SUM}`);
    const spent = read("SELECT points FROM accounts WHERE name = 'spent'")["points"];
    if (spent !== journal["moved"]) throw new Error(`${String(spent)} points are spent, and the journal says ${String(journal["moved"])}`);
    return { last: Number(journal["last"]), tasks: Number(read("SELECT count(*) AS count FROM tasks")["count"]) };
  } finally {
    database.close();
  }
}
