import * as z from "zod/mini";
import { PROBLEM, type Problem } from "./problem.ts";
import { matching, named, type Schema } from "./schema.ts";

const HOUR = 3_600_000;
const millis = (low: number): Schema<number> => z.int().check(z.gte(low), z.lte(HOUR));

/** Takes nothing: what is waited for, and how long, is in the configuration. */
export type StartupRequest = Readonly<Record<string, never>>;
export const STARTUP_REQUEST: Schema<StartupRequest> = named("StartupRequest", z.strictObject({}));

export interface ShutdownRequest {
  /** Milliseconds for everything; `orchestrator.shutdown_timeout` unless given. */
  readonly budget_ms?: number | undefined;
}
export const SHUTDOWN_REQUEST: Schema<ShutdownRequest> = named("ShutdownRequest", z.strictObject({ budget_ms: z.optional(millis(1)) }));

/** Of a schema, as a number or as text. */
export type SchemaVersion = number | string;
const version: Schema<SchemaVersion> = z.union([
  z.int().check(z.gte(0)),
  matching("^[A-Za-z0-9._:-]{1,50}$", "must be up to 50 letters, digits and . _ : -"),
]);

export interface MigrationRequest {
  /** Versions of the schema before and after; they become tags of the backup. */
  readonly from?: SchemaVersion | undefined;
  readonly to?: SchemaVersion | undefined;
  /** Milliseconds to wait for another holder of the lease; ten minutes unless given. */
  readonly wait_ms?: number | undefined;
}
export const MIGRATION_REQUEST: Schema<MigrationRequest> = named(
  "MigrationRequest",
  z.strictObject({ from: z.optional(version), to: z.optional(version), wait_ms: z.optional(millis(0)) }),
);

/** What became of a backup around the life of a runtime. */
export interface LifecycleReport {
  readonly run_id: string;
  readonly trigger: "startup" | "shutdown" | "pre-migration";
  /** off: the configuration says that none is taken; deferred: somebody else held the lease for too long, or a restore runs. */
  readonly outcome: "taken" | "off" | "deferred" | "failed";
  /** null unless it was taken. */
  readonly backup_id: string | null;
  /** Everything that was declared is in it; null unless it was taken. */
  readonly complete: boolean | null;
  /** Why none was taken: deferred or failed. */
  readonly problem: Problem | null;
}
export const LIFECYCLE_REPORT: Schema<LifecycleReport> = named(
  "LifecycleReport",
  z.object({
    run_id: z.string(),
    trigger: z.enum(["startup", "shutdown", "pre-migration"]),
    outcome: z.enum(["taken", "off", "deferred", "failed"]),
    backup_id: z.nullable(z.string()),
    complete: z.nullable(z.boolean()),
    problem: z.nullable(PROBLEM),
  }),
);
