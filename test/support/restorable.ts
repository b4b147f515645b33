import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createBank, moveMoney } from "./bank.ts";
import { holdfast, type HoldfastOptions } from "./holdfast.ts";
import type { ProgramResult } from "./run-program.ts";
import { formKeys, type StoredFormName } from "./stored-forms.ts";
import { writeTree } from "./write-tree.ts";

/** What a state is, as far as a restore has to get it right: rows of the database, and every file by its text. */
export interface StateSeen {
  /** Number of the last log row. */
  readonly rows: number;
  readonly files: Readonly<Record<string, string>>;
}

/** A live instance whose state differs from its backup in every way that a swap has to undo. */
export interface Restorable {
  readonly folder: string;
  readonly config: string;
  readonly database: string;
  /** The backup of the state of before. */
  readonly id: string;
  /** As the backup says, with what a restore must leave alone as it is now. */
  readonly restored: StateSeen;
  /** As it is now. */
  readonly live: StateSeen;
  run(args: readonly string[], options?: HoldfastOptions): Promise<ProgramResult>;
  see(): StateSeen;
}

export interface RestorableOptions {
  /** Lines at the end of the configuration. */
  readonly extra?: string;
  /** "directory" unless given. */
  readonly form?: StoredFormName;
}

/** Rows that are committed and lie in the write-ahead log alone: what a restore that only looks at the main file loses. */
function leaveRowsInLog(path: string, rows: number): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0");
  for (let n = 0; n < rows; n += 1) moveMoney(database);
  // The copy is what a process that was killed leaves behind: a close would empty the log into the file.
  const bytes = readFileSync(`${path}-wal`);
  const main = readFileSync(path);
  database.close();
  writeFileSync(path, main);
  writeFileSync(`${path}-wal`, bytes);
}

export async function makeRestorable(folder: string, options: RestorableOptions = {}): Promise<Restorable> {
  mkdirSync(folder, { recursive: true });
  const database = join(folder, "data", "state.db");
  writeTree(folder, {
    "data/memory/kept.md": "kept\n",
    "data/memory/changed.md": "before\n",
    "data/memory/deleted.md": "deleted since\n",
    "data/memory/deep/er/note.md": "deep\n",
    "data/memory/cache/big.bin": "cache before\n",
    "data/state.json": '{"turn":1}\n',
  });
  createBank(database).close();
  leaveRowsInLog(database, 5);
  const config = join(folder, "holdfast.yaml");
  writeFileSync(
    config,
    `name: restorable
components:
  persistence: { path: data/state.db }
  memory: { path: data/memory, exclude: [cache] }
  state: { path: data/state.json }
backup: { ${["path: backups", ...formKeys(options.form ?? "directory", folder)].join(", ")} }
${options.extra ?? ""}`,
  );
  const run: Restorable["run"] = (args, how = {}) => holdfast(["--config", config, ...args], { cwd: folder, ...how });
  const see = (): StateSeen => seeState(folder, database);
  const before = see();
  const taken = await run(["backup", "--json"]);
  if (taken.exitCode !== 0) throw new Error(taken.stdout);
  const { id } = taken.json<{ id: string }>();

  leaveRowsInLog(database, 100);
  writeTree(folder, {
    "data/memory/changed.md": "since\n",
    "data/memory/added.md": "added since\n",
    "data/memory/cache/big.bin": "cache since\n",
    "data/state.json": '{"turn":2,"torn":',
  });
  writeFileSync(join(folder, "data", "memory", "deleted.md"), "");
  const live = see();
  const restored = { ...before, files: { ...before.files, "memory/cache/big.bin": "cache since\n" } };
  return { folder, config, database, id, restored, live, run, see };
}

/** Reads the state without changing it: the database is opened as a copy. */
function seeState(folder: string, database: string): StateSeen {
  const files: Record<string, string> = {};
  const data = join(folder, "data");
  for (const entry of readdirSync(data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.parentPath.includes(".holdfast-") || entry.name.startsWith("state.db")) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(data.length + 1)] = readFileSync(path, "utf8");
  }
  return { rows: rowsOf(database, join(folder, "copy")), files };
}

function rowsOf(database: string, scratch: string): number {
  if (!existsSync(database)) return -1;
  mkdirSync(scratch, { recursive: true });
  for (const suffix of ["", "-wal"]) {
    const copy = join(scratch, `copy.db${suffix}`);
    writeFileSync(copy, existsSync(`${database}${suffix}`) ? readFileSync(`${database}${suffix}`) : "");
  }
  const opened = new DatabaseSync(join(scratch, "copy.db"));
  try {
    return (opened.prepare("SELECT coalesce(max(number), 0) AS last FROM log").get() as { last: number }).last;
  } finally {
    opened.close();
  }
}

/** A program for `runtime:` that writes down what was asked of it, and does what else is given. */
export function runtimeScript(folder: string, name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho ${name} >> "${join(folder, "runtime.log")}"\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** What the runtime was asked to do, in order. */
export function runtimeLog(folder: string): readonly string[] {
  const path = join(folder, "runtime.log");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}
