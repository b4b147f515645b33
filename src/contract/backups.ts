import * as z from "zod/mini";
import {
  backupReference,
  componentName,
  innerPath,
  matching,
  named,
  tag,
  trigger,
  wholeNumber,
  type Schema,
  type TriggerName,
} from "./schema.ts";

export interface BackupRequest {
  /** What the configuration includes unless given. */
  readonly components?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Answers when it is committed, not when it has begun. */
  readonly wait?: boolean | undefined;
}
export const BACKUP_REQUEST: Schema<BackupRequest> = named(
  "BackupRequest",
  z.strictObject({
    components: z.optional(z.array(componentName).check(z.minLength(1), z.maxLength(1000))),
    tags: z.optional(z.array(tag).check(z.maxLength(100))),
    wait: z.optional(z.boolean()),
  }),
);

export interface RunStarted {
  readonly run_id: string;
}
export const RUN_STARTED: Schema<RunStarted> = named("RunStarted", z.object({ run_id: z.string() }));

/** The id is fixed; it is a backup once the run is completed. */
export interface BackupStarted extends RunStarted {
  readonly backup_id: string;
}
export const BACKUP_STARTED: Schema<BackupStarted> = named("BackupStarted", z.object({ run_id: z.string(), backup_id: z.string() }));

export interface VerifiedVerdict {
  readonly at: string;
  readonly ok: boolean;
  readonly entries: number;
  readonly bytes: number;
  readonly problem?: string | undefined;
}
const verified: Schema<VerifiedVerdict> = z.object({
  at: z.string(),
  ok: z.boolean(),
  entries: z.int(),
  bytes: z.int(),
  problem: z.optional(z.string()),
});

export interface Pin {
  readonly at: string;
  readonly note?: string | undefined;
}
const pin: Schema<Pin> = z.object({ at: z.string(), note: z.optional(z.string()) });

export interface NotCapturedComponent {
  readonly importance: string;
  readonly code: string;
  readonly reason: string;
}
const notCaptured: Schema<Record<string, NotCapturedComponent>> = z.record(
  z.string(),
  z.object({ importance: z.string(), code: z.string(), reason: z.string() }),
);

/** The document that describes a backup, as it lies in the vault. */
export interface ManifestDocument {
  readonly version: string;
  readonly id: string;
  readonly instance: string;
  readonly sequence: number;
  readonly timestamp: string;
  readonly finished_at: string;
  readonly trigger: TriggerName;
  readonly tags: readonly string[];
  readonly components: readonly string[];
  readonly not_captured: Readonly<Record<string, NotCapturedComponent>>;
  readonly db_schema_version: number | null;
  readonly size_bytes: number;
  readonly stored_bytes: number;
  readonly checksum: string;
  readonly component_details: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly host: string;
}
export const MANIFEST: Schema<ManifestDocument> = named(
  "Manifest",
  z.looseObject({
    version: z.string(),
    id: z.string(),
    instance: z.string(),
    sequence: z.int(),
    timestamp: z.string(),
    finished_at: z.string(),
    trigger,
    tags: z.array(z.string()),
    components: z.array(z.string()),
    not_captured: notCaptured,
    db_schema_version: z.nullable(z.number()),
    size_bytes: z.int(),
    stored_bytes: z.int(),
    checksum: z.string(),
    component_details: z.record(z.string(), z.record(z.string(), z.unknown())),
    host: z.string(),
  }),
);

export interface BackupTaken extends BackupStarted {
  /** partial: it is committed, and something declared is missing. */
  readonly status: "complete" | "partial";
  readonly alarms: readonly string[];
  readonly warnings: readonly string[];
  readonly manifest: ManifestDocument;
}
export const BACKUP_TAKEN: Schema<BackupTaken> = named(
  "BackupTaken",
  z.object({
    run_id: z.string(),
    backup_id: z.string(),
    status: z.enum(["complete", "partial"]),
    alarms: z.array(z.string()),
    warnings: z.array(z.string()),
    manifest: MANIFEST,
  }),
);

export interface BackupRow {
  readonly id: string;
  readonly sequence: number;
  readonly timestamp: string;
  readonly finished_at: string;
  readonly trigger: TriggerName;
  readonly tags: readonly string[];
  readonly components: readonly string[];
  readonly not_captured: Readonly<Record<string, NotCapturedComponent>>;
  readonly size_bytes: number;
  readonly stored_bytes: number;
  readonly db_schema_version: number | null;
  readonly checksum: string;
  /** Everything that was declared is in it, whole. */
  readonly complete: boolean;
  readonly verified: VerifiedVerdict | null;
  readonly pin: Pin | null;
  /** Why no retention removes it. */
  readonly protected: readonly string[];
  readonly form: "directory" | "tar.gz" | "repository";
  readonly location: string;
}
const row: Schema<BackupRow> = named(
  "Backup",
  z.object({
    id: z.string(),
    sequence: z.int(),
    timestamp: z.string(),
    finished_at: z.string(),
    trigger,
    tags: z.array(z.string()),
    components: z.array(z.string()),
    not_captured: notCaptured,
    size_bytes: z.int(),
    stored_bytes: z.int(),
    db_schema_version: z.nullable(z.number()),
    checksum: z.string(),
    complete: z.boolean(),
    verified: z.nullable(verified),
    pin: z.nullable(pin),
    protected: z.array(z.string()),
    form: z.enum(["directory", "tar.gz", "repository"]),
    location: z.string(),
  }),
);

export interface BackupPage {
  /** Newest first by time. */
  readonly backups: readonly BackupRow[];
  /** Asks for the page after this one; null on the last. */
  readonly next_cursor: string | null;
  /** Of all pages. */
  readonly total: number;
  /** Everything in the vault that should not be, one line each. */
  readonly problems: readonly string[];
}
export const BACKUP_PAGE: Schema<BackupPage> = named(
  "BackupPage",
  z.object({ backups: z.array(row), next_cursor: z.nullable(z.string()), total: z.int(), problems: z.array(z.string()) }),
);

export interface BackupQuery {
  /** 50 unless given. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly trigger?: TriggerName | undefined;
  readonly component?: string | undefined;
  readonly tag?: string | undefined;
}
export const BACKUP_QUERY: Schema<BackupQuery> = z.strictObject({
  limit: z.optional(wholeNumber(1, 500)),
  cursor: z.optional(matching("^[A-Za-z0-9_-]{1,200}$", "must be a cursor of an earlier page")),
  trigger: z.optional(trigger),
  component: z.optional(componentName),
  tag: z.optional(tag),
});

export interface BackupDetail {
  readonly backup: BackupRow;
  readonly manifest: ManifestDocument;
}
export const BACKUP_DETAIL: Schema<BackupDetail> = named("BackupDetail", z.object({ backup: row, manifest: MANIFEST }));

export interface PinRequest {
  readonly note?: string | undefined;
}
export const PIN_REQUEST: Schema<PinRequest> = named(
  "PinRequest",
  z.strictObject({ note: z.optional(z.string().check(z.maxLength(500))) }),
);

export interface Pinned {
  readonly backup_id: string;
  readonly pinned: boolean;
}
export const PINNED: Schema<Pinned> = named("Pinned", z.object({ backup_id: z.string(), pinned: z.boolean() }));

export interface EntriesQuery {
  /** component/path; the top unless given. */
  readonly path?: string | undefined;
  readonly recursive?: boolean | undefined;
  /** 1000 unless given. */
  readonly limit?: number | undefined;
}

export interface EntryRow {
  /** component/path */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  readonly size: number;
  /** Nanoseconds since 1970, decimal. */
  readonly mtime_ns: string;
  readonly sha256: string | null;
  /** Of a database that was stored by page, which has no `sha256`. */
  readonly pages_sha256: string | null;
}
export const ENTRY_ROW: Schema<EntryRow> = named(
  "Entry",
  z.object({
    path: z.string(),
    type: z.enum(["file", "directory", "symlink"]),
    size: z.int(),
    mtime_ns: z.string(),
    sha256: z.nullable(z.string()),
    pages_sha256: z.nullable(z.string()),
  }),
);

export interface DiffQuery {
  /** The backup to compare with; the state as it is now unless given. */
  readonly with?: string | undefined;
}
export const DIFF_QUERY: Schema<DiffQuery> = z.strictObject({ with: z.optional(backupReference) });

export interface ContentQuery {
  readonly path: string;
}
export const CONTENT_QUERY: Schema<ContentQuery> = z.strictObject({ path: innerPath });
