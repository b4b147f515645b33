import * as z from "zod/mini";
import { named, type Schema } from "./schema.ts";

const text: Schema<string | null> = z.nullable(z.string());

export interface LeaseDocument {
  readonly generation: number;
  readonly state: "free" | "held" | "draining";
  readonly owner: string | null;
  readonly reason: string | null;
  readonly pid: number | null;
  readonly since: string | null;
  readonly doing: string | null;
  /** From 0 to 1. */
  readonly progress: number | null;
  readonly fence: string | null;
  readonly reservedFor: string | null;
  readonly yieldRequestedBy: string | null;
}
export const LEASE: Schema<LeaseDocument> = named(
  "Lease",
  z.object({
    generation: z.int(),
    state: z.enum(["free", "held", "draining"]),
    owner: text,
    reason: text,
    pid: z.nullable(z.int()),
    since: text,
    doing: text,
    progress: z.nullable(z.number()),
    fence: text,
    reservedFor: text,
    yieldRequestedBy: text,
  }),
);

export interface DeferralDocument {
  readonly task: string;
  readonly reasonCode: string;
  readonly reason: string;
  readonly blockingTaskName: string | null;
  readonly holdingOwner: string | null;
  readonly holdingPid: number | null;
  readonly deferredAt: string;
  readonly deferredSince: string;
  readonly count: number;
  readonly starving: boolean;
}
const deferral: Schema<DeferralDocument> = named(
  "Deferral",
  z.object({
    task: z.string(),
    reasonCode: z.string(),
    reason: z.string(),
    blockingTaskName: text,
    holdingOwner: text,
    holdingPid: z.nullable(z.int()),
    deferredAt: z.string(),
    deferredSince: z.string(),
    count: z.int(),
    starving: z.boolean(),
  }),
);

export interface LeaseReport {
  /** null when nobody ever took it. */
  readonly lease: LeaseDocument | null;
  readonly waiters: readonly { readonly owner: string; readonly pid: number; readonly since: string }[];
  readonly deferred: readonly DeferralDocument[];
}
export const LEASE_REPORT: Schema<LeaseReport> = named(
  "LeaseReport",
  z.object({
    lease: z.nullable(LEASE),
    waiters: z.array(z.object({ owner: z.string(), pid: z.int(), since: z.string() })),
    deferred: z.array(deferral),
  }),
);

export interface TaskDocument {
  readonly name: string;
  readonly label: string;
  readonly kind: "task" | "service" | "not declared";
  readonly heavy: boolean;
  readonly schedule: string | null;
  readonly state: string | null;
  readonly reasonCode: string | null;
  readonly reason: string | null;
  readonly lastRunAt: string | null;
  readonly lastCompletedAt: string | null;
  readonly nextDueAt: string | null;
  readonly failures: number;
  readonly deferral: DeferralDocument | null;
}
const task: Schema<TaskDocument> = named(
  "Task",
  z.object({
    name: z.string(),
    label: z.string(),
    kind: z.enum(["task", "service", "not declared"]),
    heavy: z.boolean(),
    schedule: text,
    state: text,
    reasonCode: text,
    reason: text,
    lastRunAt: text,
    lastCompletedAt: text,
    nextDueAt: text,
    failures: z.int(),
    deferral: z.nullable(deferral),
  }),
);

export interface TaskList {
  readonly tasks: readonly TaskDocument[];
}
export const TASK_LIST: Schema<TaskList> = named("TaskList", z.object({ tasks: z.array(task) }));

export interface StatusDocument {
  readonly instance: string;
  readonly vault: string;
  readonly backups: number;
  readonly newest: string | null;
  readonly components: readonly {
    readonly name: string;
    readonly importance: string | null;
    readonly captured: string | null;
    readonly capturedAt: string | null;
    readonly verified: string | null;
    readonly verifiedAt: string | null;
    /** No good backup of it is younger than twice the schedule, whatever else may be wrong with it. */
    readonly overdue: boolean;
    readonly safe: boolean;
    readonly problem: string | null;
  }[];
  /** The newest run when it failed and made no backup. */
  readonly failedRun: {
    readonly at: string;
    readonly trigger: string;
    readonly code: string | null;
    readonly message: string | null;
  } | null;
  /** A restore that runs or was cut off. */
  readonly restore: { readonly id: string; readonly backup: string; readonly phase: string; readonly since: string } | null;
  readonly lease: LeaseDocument | null;
  readonly tasks: readonly TaskDocument[];
  readonly problems: readonly string[];
  /** Whether every critical component is safe, and where none is critical, every one. */
  readonly safe: boolean;
}
export const STATUS: Schema<StatusDocument> = named(
  "Status",
  z.object({
    instance: z.string(),
    vault: z.string(),
    backups: z.int(),
    newest: text,
    components: z.array(
      z.object({
        name: z.string(),
        importance: text,
        captured: text,
        capturedAt: text,
        verified: text,
        verifiedAt: text,
        overdue: z.boolean(),
        safe: z.boolean(),
        problem: text,
      }),
    ),
    failedRun: z.nullable(z.object({ at: z.string(), trigger: z.string(), code: text, message: text })),
    restore: z.nullable(z.object({ id: z.string(), backup: z.string(), phase: z.string(), since: z.string() })),
    lease: z.nullable(LEASE),
    tasks: z.array(task),
    problems: z.array(z.string()),
    safe: z.boolean(),
  }),
);

export interface DoctorDocument {
  readonly healthy: boolean;
  readonly counts: { readonly ok: number; readonly warning: number; readonly problem: number; readonly unknown: number };
  readonly findings: readonly {
    readonly check: string;
    readonly subject: string | null;
    readonly verdict: "ok" | "warning" | "problem" | "unknown";
    readonly seen: string;
    readonly todo: string | null;
  }[];
}
export const DOCTOR: Schema<DoctorDocument> = named(
  "Doctor",
  z.object({
    healthy: z.boolean(),
    counts: z.object({ ok: z.int(), warning: z.int(), problem: z.int(), unknown: z.int() }),
    findings: z.array(
      z.object({
        check: z.string(),
        subject: text,
        verdict: z.enum(["ok", "warning", "problem", "unknown"]),
        seen: z.string(),
        todo: text,
      }),
    ),
  }),
);

/** The configuration in force, without its secrets. */
export type ConfigDocument = Readonly<Record<string, unknown>>;
export const CONFIG: Schema<ConfigDocument> = named("Config", z.record(z.string(), z.unknown()));

export interface Health {
  /** ok: every critical component is safe, and where none is critical, every one; unsafe: one is not; unknown: that cannot be read. */
  readonly status: "ok" | "unsafe" | "unknown";
  /** The rest for who has a token. */
  readonly version?: string | undefined;
  readonly instance?: string | undefined;
  readonly reasons?: readonly string[] | undefined;
}
export const HEALTH: Schema<Health> = named(
  "Health",
  z.object({
    status: z.enum(["ok", "unsafe", "unknown"]),
    version: z.optional(z.string()),
    instance: z.optional(z.string()),
    reasons: z.optional(z.array(z.string())),
  }),
);

export interface Readiness {
  readonly status: "ready" | "not ready";
  /** For who has a token. */
  readonly reasons?: readonly string[] | undefined;
}
export const READINESS: Schema<Readiness> = named(
  "Readiness",
  z.object({ status: z.enum(["ready", "not ready"]), reasons: z.optional(z.array(z.string())) }),
);
