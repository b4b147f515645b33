/**
 * The program behind pinnedWriter(): commits to a database in write-ahead mode in every way that moves pages about, until it is killed.
 * Arguments: path, seed, bytes of a page, auto_vacuum, wal_autocheckpoint, bytes of a blob. Every committed state can be told
 * from every mixture of two: see checkPinned() in pinned-state.ts. Prints the number of each transaction after its commit.
 */
import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { setImmediate, setTimeout } from "node:timers/promises";
import { seededRandom } from "./seeded-random.ts";

const [path = "", seed, pageSize, autoVacuum, autoCheckpoint, blobBytes] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const below = (limit: number): number => Math.floor(random() * limit);
const BLOBS = 4;

const database = new DatabaseSync(path, { timeout: 60_000 });
database.exec(`PRAGMA page_size=${pageSize}; PRAGMA auto_vacuum=${autoVacuum}; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL`);
// A cache of a few pages spills what is not committed yet into the log.
database.exec(`PRAGMA wal_autocheckpoint=${autoCheckpoint}; PRAGMA cache_size=20`);
database.exec(`BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS total (number INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, balance INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS junk (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS junk_text ON junk (text);
  CREATE TABLE IF NOT EXISTS blob (id INTEGER PRIMARY KEY, body BLOB NOT NULL, sha256 TEXT NOT NULL, number INTEGER NOT NULL)`);
if (Object.values(database.prepare("SELECT count(*) FROM total").get() ?? {})[0] === 0) {
  database.exec("INSERT INTO total VALUES (0, 0, 0); INSERT INTO account VALUES ('left', 1000000), ('right', 0)");
  const body = Buffer.alloc(Number(blobBytes), "b");
  for (let id = 0; id < BLOBS; id += 1) database.prepare("INSERT INTO blob VALUES (?, ?, ?, 0)").run(id, body, hash("sha256", body));
}
database.exec("COMMIT");

for (;;) {
  const dice = below(400);
  if (dice === 0) attempt(() => database.exec("VACUUM"));
  else if (dice < 8) attempt(() => database.exec("PRAGMA incremental_vacuum(5)"));
  else if (dice < 16) giveUp();
  else commit();
  // In bursts, with rests in which a checkpoint gets to the end of the log.
  await (below(6) === 0 ? setTimeout(below(20)) : setImmediate());
}

function commit(): void {
  database.exec("BEGIN IMMEDIATE");
  const { number, rows } = database.prepare("SELECT number + 1 AS number, rows FROM total").get() as { number: number; rows: number };
  const moved = below(1000);
  database.prepare("UPDATE account SET balance = balance - ? WHERE name = 'left'").run(moved);
  database.prepare("UPDATE account SET balance = balance + ? WHERE name = 'right'").run(moved);
  writeIntoBlob(number);
  changeJunk(rows);
  database.prepare("UPDATE total SET number = ?, (rows, bytes) = (SELECT count(*), coalesce(sum(length(text)), 0) FROM junk)").run(number);
  database.exec("COMMIT");
  process.stdout.write(`${number}\n`);
}

/** Some bytes of it in its middle: its other pages stay. */
function writeIntoBlob(number: number): void {
  const id = below(BLOBS);
  const { body } = database.prepare("SELECT body FROM blob WHERE id = ?").get(id) as { body: Uint8Array };
  const at = below(body.length - 64);
  body.set(Buffer.from(String(number).padStart(64)), at);
  database.prepare("UPDATE blob SET body = ?, sha256 = ?, number = ? WHERE id = ?").run(body, hash("sha256", body), number, id);
}

function changeJunk(rows: number): void {
  if (rows > 300) {
    database.prepare("DELETE FROM junk WHERE id % 3 = ?").run(below(3));
    return;
  }
  for (let left = below(6); left > 0; left -= 1) {
    database.prepare("INSERT INTO junk (text) VALUES (?)").run(`${random()} `.repeat(1 + below(60)));
  }
}

/** A transaction that is taken back after some of it went into the log. */
function giveUp(): void {
  database.exec("BEGIN IMMEDIATE");
  database.exec(
    "UPDATE junk SET text = text || 'never committed'; UPDATE blob SET body = zeroblob(length(body)), sha256 = 'never committed'",
  );
  database.exec("ROLLBACK");
}

/** Another writer may be in its way. */
function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!String(error).includes("locked")) throw error;
  }
}
