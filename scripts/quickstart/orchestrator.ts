import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { JOURNAL_SUM, STATES } from "./state.ts";

/**
 * A small orchestrator: until its standard input ends it commits task after task to data/agent.db, and writes its state,
 * its checkpoints and its log. Every transaction moves points between two accounts whose sum never changes and adds the
 * next row to a journal without gaps, so that a torn copy cannot pass for a whole one.
 *
 * Prints one line for each transaction once it is committed: its number, and the milliseconds since the one before.
 * Run it by hand to see a workspace live: node scripts/quickstart/orchestrator.ts holdfast-quickstart/agent
 */
const folder = process.argv[2];
if (folder === undefined) throw new Error("Name the folder of the workspace");
for (const name of ["data", "checkpoints", "logs"]) mkdirSync(join(folder, name), { recursive: true });

const database = new DatabaseSync(join(folder, "data", "agent.db"), { timeout: 30_000 });
database.exec(`
  PRAGMA journal_mode = wal;
  CREATE TABLE IF NOT EXISTS tasks (id INTEGER PRIMARY KEY, title TEXT NOT NULL, state TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, points INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS journal (number INTEGER PRIMARY KEY, moved INTEGER NOT NULL, note TEXT NOT NULL);
  INSERT OR IGNORE INTO accounts VALUES ('budget', ${JOURNAL_SUM}), ('spent', 0);
`);
const addTask = database.prepare("INSERT INTO tasks (title, state) VALUES (?, ?)");
const changeTask = database.prepare("UPDATE tasks SET state = ? WHERE id = ?");
const pay = database.prepare("UPDATE accounts SET points = points + ? WHERE name = ?");
const write = database.prepare("INSERT INTO journal VALUES (?, ?, ?)");
let number = Number(database.prepare("SELECT coalesce(max(number), 0) AS last FROM journal").get()?.["last"]);

function commitOne(): void {
  number += 1;
  const moved = (number * 7919) % 100;
  database.exec("BEGIN IMMEDIATE");
  if (number % 10 === 0) addTask.run(`Look into item ${number}`, "waiting");
  changeTask.run(STATES[number % STATES.length] as string, 1 + (number % 97));
  pay.run(-moved, "budget");
  pay.run(moved, "spent");
  write.run(number, moved, `Step ${number} spent ${moved} points. `.repeat(6));
  database.exec("COMMIT");
}

/** Whole or not at all; the half-written file lies outside of what is protected. */
function replace(path: string, document: unknown): void {
  const temporary = join(folder as string, "..", ".orchestrator.tmp");
  writeFileSync(temporary, `${JSON.stringify(document, null, 2)}\n`);
  renameSync(temporary, join(folder as string, path));
}

let previous = performance.now();
function turn(): void {
  commitOne();
  const now = performance.now();
  process.stdout.write(`${number} ${(now - previous).toFixed(1)}\n`);
  previous = now;
  if (number % 20 === 1) {
    replace("orchestrator.json", { version: 1, step: number, at: new Date().toISOString(), agents: ["scout", "writer", "reviewer"] });
    appendFileSync(join(folder as string, "logs", "orchestrator.log"), `${new Date().toISOString()} INFO step ${number} committed\n`);
  }
  if (number % 100 === 1) {
    const slot = String((number - 1) / 100).padStart(4, "0");
    replace(join("checkpoints", `step-${slot}.json`), { step: number, plan: ["read", "think", "act"], open: number % 97 });
  }
  next = setTimeout(turn, 2);
}

let next: NodeJS.Timeout = setTimeout(turn, 0);
process.stdin
  .on("end", () => {
    clearTimeout(next);
    database.close();
  })
  .resume();
