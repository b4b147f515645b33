import type { Position } from "../kernel/index.ts";

/** Importances and kinds are vault's; config holds its own unions, and a type test keeps them the same. */
export type ConfigImportance = "critical" | "high" | "medium";
export type ConfigSourceKind = "tree" | "file" | "sqlite" | "json" | "log" | "command";

/** A path as written, absolute by now; or a pointer into another document, resolved at every run. */
export type PathReference =
  | { readonly literal: string }
  | {
      /** Absolute path of the JSON or YAML document. */
      readonly from: string;
      /** RFC 6901, e.g. "/stateFile". */
      readonly pointer: string;
      /** Environment variable that wins when it is set and not empty. */
      readonly env: string | null;
    };

export interface PauseConfig {
  readonly command: readonly string[];
  readonly resume: readonly string[];
  /** Milliseconds after which the guardian resumes by itself. */
  readonly timeout: number;
}

export interface CommandConfig {
  readonly argv: readonly string[];
  /** Name of the file that holds its output. */
  readonly as: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Takes the output back on its standard input; null: there is no way back but by hand. */
  readonly restore: readonly string[] | null;
}

/** How to know that the runtime, or a service, works. */
export type HealthConfig =
  | {
      readonly url: string;
      readonly status: number;
      /** Expected values by JSON pointer (RFC 6901). */
      readonly expect: Readonly<Record<string, string | number | boolean | null>>;
      /** Milliseconds until it must be healthy. */
      readonly timeout: number;
    }
  | { readonly command: readonly string[]; readonly timeout: number };

/** The user's program whose state is protected. Argument arrays; no shell. */
export interface RuntimeConfig {
  readonly stop: readonly string[];
  readonly start: readonly string[];
  /** Of each of them. Milliseconds. */
  readonly timeout: number;
  readonly health: HealthConfig | null;
}

export interface ComponentConfig {
  readonly name: string;
  /** null for a command component. */
  readonly path: PathReference | null;
  readonly command: CommandConfig | null;
  /** undefined: sniffed at every run. */
  readonly kind: ConfigSourceKind | undefined;
  /** undefined: critical for databases and single files, high for folders. */
  readonly importance: ConfigImportance | undefined;
  readonly exclude: readonly string[];
  readonly include: readonly string[];
  /** Bytes. */
  readonly excludeLarger: number | undefined;
  readonly excludeCaches: boolean;
  readonly oneFileSystem: boolean;
  readonly optional: boolean;
  readonly group: string | undefined;
  readonly pause: PauseConfig | undefined;
  readonly read: ConfigDatabaseRead;
  readonly position: Position;
}

/** How a database in write-ahead mode is read that is in use. */
export type ConfigDatabaseRead = "pinned" | "staged";

/** In repository form, unless a component says otherwise: an archive's are always staged. */
export const DEFAULT_DATABASE_READ: ConfigDatabaseRead = "pinned";

/** When a task is due. */
export type ScheduleConfig =
  | {
      /** Milliseconds. */
      readonly every: number;
    }
  | {
      /** Of five fields, or six with seconds first. */
      readonly cron: string;
      /** IANA name. */
      readonly timezone: string;
    };

/** Tasks that have a label and a cadence by default. The orchestrator owns the set of them; a test holds the two equal. */
export const DEFAULT_TASK_NAMES: readonly string[] = Object.freeze([
  "summary",
  "kbSync",
  "backup",
  "primary-dev-sync",
  "dream",
  "golden-path",
]);

export interface TaskConfig {
  readonly name: string;
  /** undefined: the default label of a default name, else the name. */
  readonly label: string | undefined;
  /** Program and arguments; null for the builtin backup. */
  readonly command: readonly string[] | null;
  readonly builtin: "backup" | null;
  /** undefined: the default cadence of a default name; null: a service, or the builtin backup, whose schedule is backup's. */
  readonly schedule: ScheduleConfig | null | undefined;
  /** undefined: whether the default heavy set names it. */
  readonly heavy: boolean | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  /** Milliseconds without output and without CPU after which it is stopped; null: only the timeout does. */
  readonly stall: number | null;
  /** How it is asked to yield the lease; null: it is not. */
  readonly yield: "stdin" | "signal" | null;
  /** Names of declared or default tasks, without a cycle. */
  /** undefined: what a default name runs after. */
  readonly after: readonly string[] | undefined;
  /** A service: restarted whenever it ends, outside the lease. */
  readonly keepRunning: boolean;
  /** Of a service. */
  readonly ready: HealthConfig | null;
  readonly position: Position;
}

/** All in milliseconds. */
export interface OrchestratorConfig {
  readonly pollInterval: number;
  /** null: one cadence of the task, at least an hour. */
  readonly maxDeferral: number | null;
  readonly maxHold: number;
  readonly shutdownTimeout: number;
  /** For how long a startup backup waits for another holder of the lease. */
  readonly startupWait: number;
}

/** Programs around every backup. Argument arrays; no shell. */
export interface HooksConfig {
  readonly before: readonly string[] | null;
  readonly after: readonly string[] | null;
  readonly error: readonly string[] | null;
  /** Of each of them. Milliseconds. */
  readonly timeout: number;
}

/** What somebody can ask to be told. The last three last: told when they begin, and when they end. */
export const NOTIFY_EVENTS = ["success", "failure", "overdue", "starving", "damage"] as const;
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

/** Where it is told. */
export type NotifyConfig =
  | {
      readonly url: string;
      readonly style: "webhook" | "healthchecks";
      readonly headers: Readonly<Record<string, string>>;
      readonly on: readonly NotifyEvent[];
      /** Of a delivery in all. Milliseconds. */
      readonly timeout: number;
    }
  | { readonly command: readonly string[]; readonly on: readonly NotifyEvent[]; readonly timeout: number };

/** Where and for whom the HTTP API is. */
export interface ServerConfig {
  /** Name or address; an IPv6 address without its brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Absolute. */
  readonly tokensFile: string;
  /** Lower-case names, besides those of loopback and `host`. */
  readonly allowedHosts: readonly string[];
  /** Other machines reach it, and nothing is encrypted. */
  readonly insecure: boolean;
}

export interface SchemaVersionConfig {
  readonly component: string;
  /** An SQL query with one number as its result; null reads PRAGMA user_version. */
  readonly query: string | null;
}

/** How many backups stay, and for how long; a tier of 0 is off. The same data as retention's policy. */
export interface RetentionConfig {
  readonly maxCount: number;
  readonly maxAgeDays: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  readonly keepTags: readonly string[];
  /** IANA name. */
  readonly timezone: string;
}

/** What opens a vault in repository form. Where a secret is, never the secret. */
export type EncryptionConfig =
  | { readonly kind: "none" }
  | {
      readonly kind: "key-file" | "passphrase-file";
      /** Absolute. */
      readonly path: string;
    }
  | {
      readonly kind: "passphrase-command";
      /** Argument array; no shell. Its name keeps it out of what is shown: somebody will have written the passphrase itself there. */
      readonly passphraseCommand: readonly string[];
    };

export interface BackupConfig {
  /** Absolute folder of the vault. */
  readonly path: string;
  readonly format: "archive" | "repository";
  /** null in archive form, which is never encrypted. */
  readonly encryption: EncryptionConfig | null;
  /** Archive form: .tar.gz or a plain folder. */
  readonly compression: boolean;
  readonly retention: RetentionConfig;
  /** false: none on schedule, at startup or at shutdown. */
  readonly enabled: boolean;
  readonly schedule: ScheduleConfig;
  /** Hours between scheduled backups, what a backup is overdue by; with a cron expression the longest gap that is near, rounded up. */
  readonly scheduleHours: number;
  /** Whether one is taken when the daemon starts, and before it ends. */
  readonly onStartup: boolean;
  readonly onShutdown: boolean;
  /** Component names; every declared one unless given. */
  readonly include: readonly string[];
}

/** How what is in the vault is read back. */
export interface VerifyConfig {
  /** Milliseconds between two samples of the daemon; null: it takes none. */
  readonly every: number | null;
  /** Of the vault's bytes; above 0, at most 1. */
  readonly sample: number;
  /** The same as written: "10%". */
  readonly sampleText: string;
  /** For how long it counts that something was read back. Milliseconds. */
  readonly maxAge: number;
}

/** The whole configuration: validated, absolute, frozen. */
export interface Config {
  readonly file: string;
  readonly folder: string;
  readonly name: string;
  readonly stateDir: string;
  readonly components: readonly ComponentConfig[];
  readonly backup: BackupConfig;
  readonly verify: VerifyConfig;
  readonly runtime: RuntimeConfig | null;
  readonly tasks: readonly TaskConfig[];
  readonly orchestrator: OrchestratorConfig;
  readonly server: ServerConfig;
  readonly hooks: HooksConfig | null;
  readonly notify: readonly NotifyConfig[];
  readonly schemaVersion: SchemaVersionConfig | undefined;
}
