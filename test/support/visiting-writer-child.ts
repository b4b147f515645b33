/**
 * A program that has a database open for a moment at a time, as scripts do: opens it, commits a few times, closes it, rests; until it is
 * killed. Arguments: path, seed, journal mode, longest rest in milliseconds. Every row of a committed state has the same number, see checkVisited(); prints the number of each transaction after its commit.
 */
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { seededRandom } from "./seeded-random.ts";

const [path = "", seed, mode, rest] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const ROWS = 1500;

for (let number = 1; ;) {
  {
    using database = new DatabaseSync(path, { timeout: 60_000 });
    // A cache of a few pages spills what is not committed yet.
    database.exec(`PRAGMA journal_mode=${mode}; PRAGMA cache_size=20; PRAGMA synchronous=OFF`);
    if (number === 1) {
      database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, text TEXT NOT NULL)");
      const insert = database.prepare("INSERT INTO t (number, text) VALUES (0, ?)");
      for (let row = 0; row < ROWS; row += 1) insert.run("x".repeat(200));
    }
    for (let left = Math.floor(random() * 5); left >= 0; left -= 1) {
      database.exec("BEGIN IMMEDIATE");
      database.prepare("UPDATE t SET number = ?, text = ?").run(number, `${number}`.repeat(1 + Math.floor(random() * 80)));
      database.exec(random() < 0.1 ? "ROLLBACK" : "COMMIT");
      process.stdout.write(`${number}\n`);
      number += 1;
    }
    if (random() < 0.05) database.exec("VACUUM");
  }
  await setTimeout(Math.floor(random() * Number(rest)));
}
