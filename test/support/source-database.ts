import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readBack, type TestPlace } from "./source-place.ts";

export const NOW: number = Date.parse("2026-03-15T14:30:00Z");

export function makeDatabase(path: string, mode: "wal" | "delete", rows = 100): void {
  using database = new DatabaseSync(path);
  database.exec(
    `PRAGMA journal_mode=${mode}; PRAGMA user_version=3; PRAGMA application_id=7; CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)`,
  );
  const insert = database.prepare("INSERT INTO t (x) VALUES (?)");
  database.exec("BEGIN");
  for (let row = 0; row < rows; row += 1) insert.run("x".repeat(200));
  database.exec("COMMIT");
}

/** A process that opens the database, runs the code, says "ready", and stays until it is killed. */
export async function holder(path: string, code: string): Promise<AsyncDisposable & { end(): Promise<void> }> {
  const script = `const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync(${JSON.stringify(path)}, { timeout: 5000 }); ${code}; console.log("ready"); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const exit = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exit;
  };
  return { end, [Symbol.asyncDispose]: end };
}

/** Two sums that every commit keeps equal, written as fast as it goes. */
export const WRITER: string = `
  db.exec("CREATE TABLE IF NOT EXISTS a (n INTEGER); CREATE TABLE IF NOT EXISTS b (n INTEGER)");
  const write = () => { for (let i = 0; i < 20; i++) { db.exec("BEGIN IMMEDIATE"); db.exec("INSERT INTO a VALUES (1)"); db.exec("INSERT INTO b VALUES (1)"); db.exec("COMMIT"); } setImmediate(write) };
  write()`;

export async function captured(
  place: TestPlace,
  path: string,
  request = {},
): Promise<{ copy: string; details: Awaited<ReturnType<typeof readBack>> }> {
  const details = await readBack(place.request({ path, now: NOW, ...request }));
  const copy = join(place.folder, "restored.db");
  rmSync(copy, { force: true });
  writeFileSync(copy, [...details.bytes.values()][0] ?? Buffer.alloc(0));
  return { copy, details };
}

export function ask(path: string, sql: string): unknown {
  using database = new DatabaseSync(path);
  return Object.values(database.prepare(sql).get() ?? {})[0];
}
