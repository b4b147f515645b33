import * as z from "zod/mini";
import { PROBLEM, type Problem } from "./problem.ts";
import { componentName, matching, named, wholeNumber, type Schema } from "./schema.ts";

const KINDS = ["backup", "restore", "undo", "verify", "prune", "delete", "task", "service"] as const;
export type RunKind = (typeof KINDS)[number];

export interface RunProgress {
  readonly phase: string;
  readonly component: string | null;
  readonly bytes: number;
  /** null when nobody knows. */
  readonly expected: number | null;
}

export interface RunDocument {
  readonly run_id: string;
  readonly kind: RunKind;
  /** Of a task or service. */
  readonly task: string | null;
  /** Why it ran. */
  readonly trigger: string;
  readonly outcome: "running" | "completed" | "failed" | "skipped";
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly backup_id: string | null;
  readonly progress: RunProgress | null;
  /** What the route would have answered; null for a task. */
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly problem: Problem | null;
  /** Of a task's program. */
  readonly exit_code: number | null;
  readonly last_lines: string | null;
}
export const RUN: Schema<RunDocument> = named(
  "Run",
  z.object({
    run_id: z.string(),
    kind: z.enum(KINDS),
    task: z.nullable(z.string()),
    trigger: z.string(),
    outcome: z.enum(["running", "completed", "failed", "skipped"]),
    reason_code: z.nullable(z.string()),
    reason: z.nullable(z.string()),
    started_at: z.string(),
    ended_at: z.nullable(z.string()),
    backup_id: z.nullable(z.string()),
    progress: z.nullable(
      z.object({ phase: z.string(), component: z.nullable(z.string()), bytes: z.number(), expected: z.nullable(z.number()) }),
    ),
    result: z.nullable(z.record(z.string(), z.unknown())),
    problem: z.nullable(PROBLEM),
    exit_code: z.nullable(z.int()),
    last_lines: z.nullable(z.string()),
  }),
);

export interface RunQuery {
  readonly task?: string | undefined;
  /** 50 unless given. */
  readonly limit?: number | undefined;
}
export const RUN_QUERY: Schema<RunQuery> = z.strictObject({ task: z.optional(componentName), limit: z.optional(wholeNumber(1, 500)) });

export interface RunList {
  /** Newest first. */
  readonly runs: readonly RunDocument[];
}
export const RUN_LIST: Schema<RunList> = named("RunList", z.object({ runs: z.array(RUN) }));

export const RUN_ID: Schema<string> = matching("^(?:run-[0-9a-f]{16}|task-[1-9][0-9]{0,14})$", "must be the id of a run");

export interface WaitRequest {
  readonly wait?: boolean | undefined;
}
export const WAIT_REQUEST: Schema<WaitRequest> = named("WaitRequest", z.strictObject({ wait: z.optional(z.boolean()) }));

export interface VerifyReport {
  readonly run_id: string;
  readonly backup_id: string;
  readonly ok: boolean;
  readonly entries: number;
  readonly bytes: number;
  readonly problem: string | null;
  /** What is wrong with the vault itself. */
  readonly vault: readonly string[];
}
export const VERIFY_REPORT: Schema<VerifyReport> = named(
  "VerifyReport",
  z.object({
    run_id: z.string(),
    backup_id: z.string(),
    ok: z.boolean(),
    entries: z.int(),
    bytes: z.int(),
    problem: z.nullable(z.string()),
    vault: z.array(z.string()),
  }),
);

export interface SampleRequest {
  /** So much of the vault's bytes, such as "10%"; `verify.sample` of the configuration unless given. */
  readonly sample?: string | undefined;
  readonly wait?: boolean | undefined;
}
export const SAMPLE_REQUEST: Schema<SampleRequest> = named(
  "SampleRequest",
  z.strictObject({
    sample: z.optional(
      matching(
        String.raw`^(?:100(?:\.0{1,6})?|[1-9]\d?(?:\.\d{1,6})?|0\.\d{0,5}[1-9])%$`,
        "must be a part of all bytes, above 0% and at most 100%, such as 10%",
      ),
    ),
    wait: z.optional(z.boolean()),
  }),
);

export interface SampleReport {
  readonly run_id: string;
  /** Nothing that is known of is damaged. */
  readonly ok: boolean;
  /** What was read back whole, each for itself: packs where backups share them, else backups. */
  readonly of: "packs" | "backups";
  readonly read: number;
  readonly bytes: number;
  readonly total: number;
  readonly total_bytes: number;
  /** How many were never read back yet. */
  readonly unread: number;
  /** When the one of the others that was read back longest ago was. */
  readonly oldest: string | null;
  /** Backups of which everything was read back within `verify.max_age`, and matched; of how many. */
  readonly verified: number;
  readonly backups: number;
  readonly damaged: readonly { readonly backup_id: string; readonly problem: string }[];
  /** What is wrong with the vault itself. */
  readonly vault: readonly string[];
}
export const SAMPLE_REPORT: Schema<SampleReport> = named(
  "SampleReport",
  z.object({
    run_id: z.string(),
    ok: z.boolean(),
    of: z.enum(["packs", "backups"]),
    read: z.int(),
    bytes: z.int(),
    total: z.int(),
    total_bytes: z.int(),
    unread: z.int(),
    oldest: z.nullable(z.string()),
    verified: z.int(),
    backups: z.int(),
    damaged: z.array(z.object({ backup_id: z.string(), problem: z.string() })),
    vault: z.array(z.string()),
  }),
);

export interface RetentionDocument {
  readonly decisions: readonly { readonly id: string; readonly keep: boolean; readonly reason: string }[];
  /** What a prune would move to the trash. */
  readonly removed: readonly string[];
  /** Why nothing would be removed although the policy would; null when nothing stands against it. */
  readonly stands_down: string | null;
}
const retention = {
  decisions: z.array(z.object({ id: z.string(), keep: z.boolean(), reason: z.string() })),
  removed: z.array(z.string()),
  stands_down: z.nullable(z.string()),
};
export const RETENTION: Schema<RetentionDocument> = named("Retention", z.object(retention));

export interface PruneReport extends RetentionDocument {
  readonly run_id: string;
  /** What lay in the trash since an earlier prune and is gone for good. */
  readonly swept: readonly string[];
  readonly notes: readonly string[];
}
export const PRUNE_REPORT: Schema<PruneReport> = named(
  "PruneReport",
  z.object({ ...retention, run_id: z.string(), swept: z.array(z.string()), notes: z.array(z.string()) }),
);
