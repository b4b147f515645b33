/**
 * The table of rooms: which folder of src stands on which floor, what it is for, and what it may import.
 * check-rooms.ts holds the sources to it, generate-reference.ts draws docs/architecture.md from it.
 * Changing the table is allowed; it is a decision, and the change shows it.
 */

/** A room by name, or only its types: then every import of it must say `import type`. */
export type Import = string | { readonly typesOf: string };

export interface Room {
  /** Lower floors know nothing of higher ones. */
  readonly floor: number;
  /** Folder below src, or a file of src itself. */
  readonly name: string;
  /** One line, as it stands in docs/architecture.md. */
  readonly purpose: string;
  readonly mayImport: readonly Import[];
}

const BELOW_APP: readonly Room[] = [
  {
    floor: 0,
    name: "kernel",
    purpose: "No domain words: errors and their code table, clock, atomic files, child processes, crashpoints",
    mayImport: [],
  },
  {
    floor: 0,
    name: "contract",
    purpose: "The wire: endpoint table, schemas, typed client; safe in a browser",
    mayImport: [{ typesOf: "kernel" }],
  },
  { floor: 1, name: "config", purpose: "YAML and environment to one frozen Config; the schema; what `init` writes", mayImport: ["kernel"] },
  { floor: 1, name: "storage", purpose: "Where bytes lie: the port, local disk, memory, S3", mayImport: ["kernel"] },
  { floor: 1, name: "lease", purpose: "The right to do heavy work: states, generation, SQLite keeper", mayImport: ["kernel"] },
  { floor: 1, name: "ledger", purpose: "Runs, outcomes, verdicts, deferral and failure streaks, in SQLite", mayImport: ["kernel"] },
  {
    floor: 2,
    name: "vault",
    purpose: "What a backup is: Manifest, Marks, BackupId, Entry, Span, and the Vault port",
    mayImport: ["kernel", "storage"],
  },
  {
    floor: 3,
    name: "sources",
    purpose: "How each kind of state is read consistently and put back: tree, file, sqlite, json, log, command",
    mayImport: ["kernel", "vault"],
  },
  { floor: 3, name: "retention", purpose: "Which backups stay, and the reason for each; pure", mayImport: ["kernel", "vault"] },
  {
    floor: 3,
    name: "local-vault",
    purpose: "What every vault on a local disk has: owner, lock, drafts, chain, removal records, marks, trash",
    mayImport: ["kernel", "vault"],
  },
  {
    floor: 4,
    name: "archive",
    purpose: "A vault of directories and .tar.gz files",
    mayImport: ["kernel", "storage", "vault", "local-vault"],
  },
  {
    floor: 4,
    name: "repository",
    purpose: "A vault of deduplicated, encrypted packs",
    mayImport: ["kernel", "storage", "vault", "local-vault"],
  },
  {
    floor: 3,
    name: "presets",
    purpose: "Where known runtimes keep their state, one file each",
    mayImport: ["kernel", "config", "sources"],
  },
  {
    floor: 3,
    name: "fleet",
    purpose: "PostgreSQL keeper for the lease and ledger of several hosts",
    mayImport: ["kernel", "lease", "ledger"],
  },
  {
    floor: 4,
    name: "backup",
    purpose: "Take one: preflight, pause, capture, commit, resume",
    mayImport: ["kernel", "vault", "sources"],
  },
  {
    floor: 4,
    name: "restore",
    purpose: "Put one back: plan, stage, check, swap, health, undo; its journal",
    mayImport: ["kernel", "vault", "sources"],
  },
  {
    floor: 4,
    name: "orchestrator",
    purpose: "Task definitions, the heavy set, the poll, child supervision",
    mayImport: ["kernel", "lease", "ledger"],
  },
  {
    floor: 5,
    name: "drill",
    purpose: "Restore into scratch, assert, leave a receipt",
    mayImport: ["kernel", "vault", "sources", "restore"],
  },
  {
    floor: 6,
    name: "operations",
    purpose: "The use cases, one file each; the only room that joins the ones below; writes the verdicts",
    mayImport: [
      "kernel",
      "config",
      "lease",
      "ledger",
      "vault",
      "sources",
      "retention",
      "local-vault",
      "archive",
      "repository",
      "presets",
      "backup",
      "restore",
      "orchestrator",
      "drill",
    ],
  },
];

export const ROOMS: readonly Room[] = [
  ...BELOW_APP,
  {
    floor: 7,
    name: "app",
    purpose: "Composition root: Config to App; the only place that constructs concretes",
    mayImport: BELOW_APP.map((room) => room.name),
  },
  { floor: 7, name: "api", purpose: "The HTTP application over operations", mayImport: ["kernel", "contract", "operations"] },
  {
    floor: 8,
    name: "daemon",
    purpose: "The long-running process: signals, lifecycle triggers, readiness, drain",
    mayImport: ["kernel", "config", "app", "api", "operations", "orchestrator"],
  },
  {
    floor: 9,
    name: "cli",
    purpose: "One file per command; rendering of tables, progress, JSON",
    mayImport: ["kernel", "config", "contract", "vault", "app", "operations", "daemon"],
  },
  {
    floor: 9,
    name: "testing",
    purpose: "Contract suites that third parties can run against their own vault, storage, source or lease",
    mayImport: ["vault", "storage", "sources", "lease"],
  },
  {
    floor: 9,
    name: "index.ts",
    purpose: "The library's public door",
    mayImport: ["app", "operations", "kernel", { typesOf: "config" }],
  },
];
