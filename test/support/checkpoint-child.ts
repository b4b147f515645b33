/**
 * The program behind pinnedWriter()'s checkpoints: every kind of them in turn, at random moments, until it is killed.
 * Arguments: path, seed. Prints the kind after each that ran.
 */
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { seededRandom } from "./seeded-random.ts";

const [path = "", seed] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const KINDS = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] as const;
const database = new DatabaseSync(path, { timeout: 20 });
for (;;) {
  const kind = KINDS[Math.floor(random() * KINDS.length)] ?? "PASSIVE";
  try {
    database.prepare(`PRAGMA wal_checkpoint(${kind})`).get();
    process.stdout.write(`${kind}\n`);
  } catch (error) {
    if (!String(error).includes("locked")) throw error;
  }
  await setTimeout(Math.floor(random() * 15));
}
