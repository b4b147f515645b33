import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

export interface SampleWal {
  readonly path: string;
  readonly log: string;
  readonly pageSize: number;
  /** Still open: it would checkpoint the log and take it away. */
  readonly database: DatabaseSync;
}

/** A database whose log holds so many commits, made by SQLite. */
export function sampleWal(path: string, commits: number, pageSize = 512): SampleWal {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x TEXT)`);
  for (let n = 0; n < commits; n += 1) commitRow(database, n);
  return { path, log: `${path}-wal`, pageSize, database };
}

export function commitRow(database: DatabaseSync, number: number): void {
  database.prepare("INSERT INTO t VALUES (?)").run(`row ${number} `.repeat(1 + ((number * 7) % 40)));
}

/** What SQLite itself makes of a database file and a log, each row of `t` joined; the files are copied first. */
export function rowsBySqlite(file: string, log: Uint8Array | undefined, scratch: string): string {
  copyFileSync(file, scratch);
  for (const suffix of ["-wal", "-shm"]) rmSync(scratch + suffix, { force: true });
  if (log !== undefined) writeFileSync(`${scratch}-wal`, log);
  const database = new DatabaseSync(scratch);
  try {
    return rowsIn(database);
  } finally {
    database.close();
  }
}

export function rowsIn(database: DatabaseSync): string {
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 't'").get() as { tables: number };
  if (tables === 0) return "no table";
  return (database.prepare("SELECT x FROM t ORDER BY rowid").all() as { x: string }[]).map(({ x }) => x).join("|");
}

const FRAME_HEADER = 24;
const HEADER = 32;

/** The same log with its checksums in the byte order of the other sort of machine. */
export function withBigEndianChecksums(log: Uint8Array, pageSize: number): Buffer {
  const bytes = Buffer.from(log);
  bytes.writeUInt32BE(0x377f0683, 0);
  let sums: readonly [number, number] = [0, 0];
  const add = (from: number, to: number): void => {
    let [one, two] = sums;
    for (let at = from; at < to; at += 8) {
      one = (one + bytes.readUInt32BE(at) + two) >>> 0;
      two = (two + bytes.readUInt32BE(at + 4) + one) >>> 0;
    }
    sums = [one, two];
  };
  const put = (at: number): void => {
    bytes.writeUInt32BE(sums[0], at);
    bytes.writeUInt32BE(sums[1], at + 4);
  };
  add(0, 24);
  put(24);
  for (let at = HEADER; at + FRAME_HEADER + pageSize <= bytes.length; at += FRAME_HEADER + pageSize) {
    add(at, at + 8);
    add(at + FRAME_HEADER, at + FRAME_HEADER + pageSize);
    put(at + 16);
  }
  return bytes;
}

export function logOf({ log }: SampleWal): Buffer {
  return readFileSync(log);
}
