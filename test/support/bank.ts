import { DatabaseSync } from "node:sqlite";

/**
 * A database in which every committed state can be told from every torn one: two accounts whose sum never changes, moved
 * in the same transaction that adds the next row to a log numbered without gaps.
 */
export const BANK_TOTAL = 1_000_000;

export function createBank(path: string, mode: "wal" | "delete" = "wal"): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 30_000 });
  database.exec(`PRAGMA journal_mode = ${mode}`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, balance INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, moved INTEGER NOT NULL, note TEXT NOT NULL);
    INSERT OR IGNORE INTO account VALUES ('left', ${BANK_TOTAL}), ('right', 0);
  `);
  return database;
}

/** One transaction; gives the number of its log row. */
export function moveMoney(database: DatabaseSync): number {
  database.exec("BEGIN IMMEDIATE");
  const { number } = database.prepare("SELECT coalesce(max(number), 0) + 1 AS number FROM log").get() as { number: number };
  const moved = (number * 7919) % 1000;
  database.prepare("UPDATE account SET balance = balance - ? WHERE name = 'left'").run(moved);
  database.prepare("UPDATE account SET balance = balance + ? WHERE name = 'right'").run(moved);
  database.prepare("INSERT INTO log VALUES (?, ?, ?)").run(number, moved, `transfer ${number} `.repeat(20));
  database.exec("COMMIT");
  return number;
}

export interface BankState {
  /** Number of the last log row; 0 for an empty log. */
  readonly last: number;
}

/** Reads a bank and throws unless it is one whole committed state. Opens read-only; the file must not be in use. */
export function readBank(path: string): BankState {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const { integrity_check } = database.prepare("PRAGMA integrity_check").get() as { integrity_check: string };
    const { sum } = database.prepare("SELECT sum(balance) AS sum FROM account").get() as { sum: number };
    const { right } = database.prepare("SELECT balance AS right FROM account WHERE name = 'right'").get() as { right: number };
    const log = database
      .prepare("SELECT count(*) AS rows, coalesce(max(number), 0) AS last, coalesce(sum(moved), 0) AS moved FROM log")
      .get() as {
      rows: number;
      last: number;
      moved: number;
    };
    if (integrity_check !== "ok") throw new Error(`"${path}" is damaged: ${integrity_check}`);
    if (sum !== BANK_TOTAL) throw new Error(`"${path}" is torn: the accounts hold ${sum}, not ${BANK_TOTAL}`);
    if (log.rows !== log.last) throw new Error(`"${path}" is torn: ${log.rows} log rows, numbered up to ${log.last}`);
    if (log.moved !== right) throw new Error(`"${path}" is torn: the log moved ${log.moved}, the account holds ${right}`);
    return { last: log.last };
  } finally {
    database.close();
  }
}
