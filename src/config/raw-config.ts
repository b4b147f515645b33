import type { ConfigDatabaseRead, ConfigImportance, ConfigSourceKind, NotifyEvent } from "./config.ts";

/** The file's own shape once the schema has passed: keys as written, nothing resolved, no defaults. */
export interface RawConfig {
  readonly name?: string | undefined;
  readonly state_dir?: string | undefined;
  readonly components: Readonly<Record<string, RawComponent>>;
  readonly backup: RawBackup;
  readonly verify?: RawVerify | undefined;
  readonly runtime?: RawRuntime | undefined;
  readonly tasks?: Readonly<Record<string, RawTask>> | undefined;
  readonly orchestrator?: RawOrchestrator | undefined;
  readonly server?: RawServer | undefined;
  readonly hooks?: RawHooks | undefined;
  readonly notify?: readonly RawNotify[] | undefined;
  readonly schema_version?: { readonly component: string; readonly query?: string | undefined } | undefined;
}

export interface RawVerify {
  readonly every?: string | undefined;
  readonly sample?: string | undefined;
  readonly max_age?: string | undefined;
}

export interface RawComponent {
  readonly path?: string | RawPointer | undefined;
  readonly command?: readonly string[] | undefined;
  readonly as?: string | undefined;
  readonly timeout?: string | undefined;
  readonly restore?: readonly string[] | undefined;
  readonly kind?: ConfigSourceKind | undefined;
  readonly importance?: ConfigImportance | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude_larger?: string | number | undefined;
  readonly exclude_caches?: boolean | undefined;
  readonly one_file_system?: boolean | undefined;
  readonly optional?: boolean | undefined;
  readonly group?: string | undefined;
  readonly pause?: RawPause | undefined;
  readonly read?: ConfigDatabaseRead | undefined;
}

export interface RawPointer {
  readonly from: string;
  readonly pointer: string;
  readonly env?: string | undefined;
}

export interface RawPause {
  readonly command: readonly string[];
  readonly resume: readonly string[];
  readonly timeout?: string | undefined;
}

export interface RawRuntime {
  readonly stop: readonly string[];
  readonly start: readonly string[];
  readonly timeout?: string | undefined;
  readonly health?: RawHealth | undefined;
}

export interface RawHealth {
  readonly url?: string | undefined;
  readonly status?: number | undefined;
  readonly expect?: Readonly<Record<string, string | number | boolean | null>> | undefined;
  readonly command?: readonly string[] | undefined;
  readonly timeout?: string | undefined;
}

export interface RawTask {
  readonly label?: string | undefined;
  readonly command?: readonly string[] | undefined;
  readonly builtin?: "backup" | undefined;
  readonly every?: string | undefined;
  readonly cron?: string | undefined;
  readonly timezone?: string | undefined;
  readonly heavy?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly stall?: string | undefined;
  readonly yield?: "stdin" | "signal" | undefined;
  readonly after?: readonly string[] | undefined;
  readonly keep_running?: boolean | undefined;
  readonly ready?: RawHealth | undefined;
}

export interface RawOrchestrator {
  readonly poll_interval?: string | undefined;
  readonly max_deferral?: string | undefined;
  readonly max_hold?: string | undefined;
  readonly startup_wait?: string | undefined;
  readonly shutdown_timeout?: string | undefined;
}

export interface RawHooks {
  readonly before?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
  readonly error?: readonly string[] | undefined;
  readonly timeout?: string | undefined;
}

export interface RawNotify {
  readonly url?: string | undefined;
  readonly style?: "webhook" | "healthchecks" | undefined;
  readonly command?: readonly string[] | undefined;
  readonly on?: readonly NotifyEvent[] | undefined;
  readonly timeout?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface RawServer {
  readonly listen?: string | undefined;
  readonly tokens_file?: string | undefined;
  readonly allowed_hosts?: readonly string[] | undefined;
  readonly insecure?: boolean | undefined;
}

export interface RawRetention {
  readonly max_count?: number | undefined;
  readonly max_age_days?: number | undefined;
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  readonly keep_tags?: readonly string[] | undefined;
}

export interface RawBackup {
  readonly enabled?: boolean | undefined;
  readonly path: string;
  readonly schedule_hours?: number | undefined;
  readonly schedule?: string | undefined;
  readonly retention?: RawRetention | undefined;
  readonly timezone?: string | undefined;
  readonly on_shutdown?: boolean | undefined;
  readonly on_startup?: boolean | undefined;
  readonly compression?: boolean | undefined;
  readonly include?: readonly string[] | undefined;
  readonly format?: "archive" | "repository" | undefined;
  /** The text is "none". */
  readonly encryption?: string | RawEncryption | undefined;
}

export interface RawEncryption {
  readonly key_file?: string | undefined;
  readonly passphrase_file?: string | undefined;
  readonly passphrase_command?: readonly string[] | undefined;
}
