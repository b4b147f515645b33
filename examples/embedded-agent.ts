// An agent that protects its own state: a backup before it accepts work, one before a migration, one after its last write.
// Its database stays open all the while; every backup is taken by another process.
//
//   node embedded-agent.ts holdfast.yaml agent.db        each line of its input is a note; "summarize" is heavy work
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { openHoldfast } from "holdfast";

const MIGRATIONS = [
  "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
  "ALTER TABLE note ADD COLUMN words INTEGER NOT NULL DEFAULT 0",
];

const [config = "holdfast.yaml", file = "agent.db"] = process.argv.slice(2);
const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stopping.abort());

await using holdfast = await openHoldfast({ config, onLog: (level, text) => console.error(`${level}: ${text}`) });

// Before anything of the state is open: a restore that was cut off is put right first. Never throws.
await holdfast.startup();

const database = new DatabaseSync(file);
database.exec("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000");
await migrate(MIGRATIONS.length);
const insert = database.prepare("INSERT INTO note (text, words) VALUES (?, ?)");

console.log("ready");
for await (const line of createInterface({ input: process.stdin, signal: stopping.signal })) {
  if (line === "summarize") await summarize();
  else insert.run(line, line.split(/\s+/).length);
}

// After the last write. Never throws.
database.close();
await holdfast.shutdown();

/** Throws, and has migrated nothing, when no backup could be taken. A new database has nothing to lose. */
async function migrate(to: number): Promise<void> {
  const from = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (from === to) return;
  const run = (): void => database.exec(`BEGIN IMMEDIATE; ${MIGRATIONS.slice(from, to).join("; ")}; PRAGMA user_version = ${to}; COMMIT`);
  if (from === 0) run();
  else await holdfast.beforeMigration({ from, to }, run);
}

/** One at a time with every other heavy work on this machine, backups too. Deferred is no failure: it is still due. */
async function summarize(): Promise<void> {
  const run = await holdfast.withHeavyMaintenance("summary", async (lease) => {
    if (lease.shouldYield()) return 0;
    return Number(database.prepare("SELECT sum(words) AS words FROM note").get()?.words ?? 0);
  });
  console.log(run.outcome === "completed" ? `${run.value} words` : `deferred: ${run.held.holder?.owner ?? "somebody"} is at work`);
}
