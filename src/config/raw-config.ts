import type { ConfigImportance, ConfigSourceKind } from "./config.ts";

/** The file's own shape once the schema has passed: keys as written, nothing resolved, no defaults. */
export interface RawConfig {
  readonly name?: string | undefined;
  readonly state_dir?: string | undefined;
  readonly components: Readonly<Record<string, RawComponent>>;
  readonly backup: RawBackup;
  readonly runtime?: RawRuntime | undefined;
  readonly schema_version?: { readonly component: string; readonly query?: string | undefined } | undefined;
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
  readonly retention?: RawRetention | undefined;
  readonly timezone?: string | undefined;
  readonly on_shutdown?: boolean | undefined;
  readonly on_startup?: boolean | undefined;
  readonly compression?: boolean | undefined;
  readonly include?: readonly string[] | undefined;
  readonly format?: "archive" | undefined;
}
