import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBank, moveMoney } from "./bank.ts";
import { formKeys, type StoredFormName } from "./stored-forms.ts";
import { writeTree } from "./write-tree.ts";

export interface Workspace {
  readonly folder: string;
  readonly config: string;
  readonly database: string;
  readonly vault: string;
}

export interface WorkspaceOptions {
  /** "tar.gz" unless given. */
  readonly form?: StoredFormName;
  readonly compression?: boolean;
  /** More lines for the configuration, after `components:` and `backup:`. */
  readonly extra?: string;
  /** Lines inside `components:`, indented by two. */
  readonly components?: string;
  readonly vault?: string;
  /** Journal mode of the database. */
  readonly mode?: "wal" | "delete";
}

/** Another of the same, with all that lies in it: for tests that each begin where one and the same story has ended. */
export function copyWorkspace(from: Workspace, folder: string): Workspace {
  execFileSync("cp", ["-a", `${from.folder}/.`, folder]);
  const moved = (path: string): string => path.replace(from.folder, folder);
  const config = moved(from.config);
  writeFileSync(config, readFileSync(config, "utf8").replaceAll(from.folder, folder));
  return { folder, config, database: moved(from.database), vault: moved(from.vault) };
}

/** The state of a small orchestrator in the names of synthorg#449, with a configuration that holds its block word for word. */
export function makeWorkspace(folder: string, options: WorkspaceOptions = {}): Workspace {
  mkdirSync(folder, { recursive: true });
  writeTree(folder, {
    "company.yaml": "name: Acme\n",
    "data/memory/notes/first.md": "# First\nremember this\n",
    "data/memory/notes/second.md": "# Second\n",
    "data/memory/index.json": '{"notes":2}\n',
    "data/checkpoints/0001.json": '{"turn":1}\n',
  });
  const database = join(folder, "data", "synthorg.db");
  const bank = createBank(database, options.mode ?? "wal");
  for (let n = 0; n < 5; n += 1) moveMoney(bank);
  bank.close();
  const vault = options.vault ?? join(folder, "backups");
  const config = join(folder, "holdfast.yaml");
  writeFileSync(
    config,
    `name: acme
components:
  persistence: { path: data/synthorg.db }
  memory:      { path: data/memory }
  config:      { path: company.yaml }
  checkpoints: { path: data/checkpoints }
${options.components ?? ""}
backup:
  enabled: true
  path: ${JSON.stringify(vault)}
  schedule_hours: 6
  retention:
    max_count: 10
    max_age_days: 30
  on_shutdown: true
  on_startup: true
${formKeys(options.form ?? ((options.compression ?? true) ? "tar.gz" : "directory"), folder)
  .map((key) => `  ${key}`)
  .join("\n")}
  include:
    - persistence
    - memory
    - config
    - checkpoints
${options.extra ?? ""}`,
  );
  return { folder, config, database, vault };
}
