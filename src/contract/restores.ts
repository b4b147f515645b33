import * as z from "zod/mini";
import { backupId, componentName, glob, matching, named, type Schema } from "./schema.ts";

export interface PlanRequest {
  readonly backup_id: string;
  /** Everything in the backup unless given. */
  readonly components?: readonly string[] | undefined;
  /** gitignore patterns over component/path; what they match is put in place and nothing is taken away. */
  readonly paths?: readonly string[] | undefined;
  /** false: the runtime is stopped already, and is neither stopped nor started. */
  readonly restart?: boolean | undefined;
}

export interface RestoreRequest extends PlanRequest {
  /** The backup's id once more. */
  readonly confirm: string;
  /** Goes over the refusals that the plan calls overridable. */
  readonly force?: boolean | undefined;
  /** false: answers when it has begun, with the run to ask for. */
  readonly wait?: boolean | undefined;
}

const plan = {
  backup_id: backupId,
  components: z.optional(z.array(componentName).check(z.minLength(1), z.maxLength(1000))),
  paths: z.optional(z.array(glob).check(z.minLength(1), z.maxLength(1000))),
  restart: z.optional(z.boolean()),
};
export const PLAN_REQUEST: Schema<PlanRequest> = named("RestorePlanRequest", z.strictObject(plan));
export const RESTORE_REQUEST: Schema<RestoreRequest> = named(
  "RestoreRequest",
  z
    .strictObject({ ...plan, confirm: z.string(), force: z.optional(z.boolean()), wait: z.optional(z.boolean()) })
    .check(z.refine(({ backup_id, confirm }) => backup_id === confirm, { error: "must equal backup_id", path: ["confirm"] })),
);

export interface PlanDocument {
  readonly backup_id: string;
  readonly components: readonly {
    readonly component: string;
    readonly how: "rename" | "online" | "command";
    readonly target: string;
    readonly entries: number;
    readonly bytes: number;
    /** Steps that replace, put or take away. */
    readonly moves: number;
    readonly untouched: readonly { readonly path: string; readonly reason: string }[];
  }[];
  readonly refusals: readonly {
    readonly component: string | null;
    readonly reason: string;
    readonly hint: string;
    readonly overridable: boolean;
  }[];
  readonly warnings: readonly string[];
}
export const PLAN: Schema<PlanDocument> = named(
  "RestorePlan",
  z.object({
    backup_id: z.string(),
    components: z.array(
      z.object({
        component: z.string(),
        how: z.enum(["rename", "online", "command"]),
        target: z.string(),
        entries: z.int(),
        bytes: z.int(),
        moves: z.int(),
        untouched: z.array(z.object({ path: z.string(), reason: z.string() })),
      }),
    ),
    refusals: z.array(z.object({ component: z.nullable(z.string()), reason: z.string(), hint: z.string(), overridable: z.boolean() })),
    warnings: z.array(z.string()),
  }),
);

export interface RestoreReport {
  readonly run_id: string;
  readonly backup_id: string;
  /** Takes an undo back to it. */
  readonly restore_id: string;
  /** Of what was there before; null when nothing was. */
  readonly safety_backup_id: string | null;
  /** Nobody stopped and started the runtime: it has the old state in its hands until it is. */
  readonly restart_required: boolean;
  readonly components: readonly {
    readonly component: string;
    readonly how: "rename" | "online" | "command";
    readonly target: string;
    readonly entries: number;
    readonly bytes: number;
  }[];
  readonly checks: readonly { readonly name: string; readonly complaint: string | null; readonly damaged: boolean }[];
  readonly warnings: readonly string[];
}
export const RESTORE_REPORT: Schema<RestoreReport> = named(
  "RestoreReport",
  z.object({
    run_id: z.string(),
    backup_id: z.string(),
    restore_id: z.string(),
    safety_backup_id: z.nullable(z.string()),
    restart_required: z.boolean(),
    components: z.array(
      z.object({
        component: z.string(),
        how: z.enum(["rename", "online", "command"]),
        target: z.string(),
        entries: z.int(),
        bytes: z.int(),
      }),
    ),
    checks: z.array(z.object({ name: z.string(), complaint: z.nullable(z.string()), damaged: z.boolean() })),
    warnings: z.array(z.string()),
  }),
);

export interface UndoRequest {
  /** The last one unless given. */
  readonly restore_id?: string | undefined;
  readonly force?: boolean | undefined;
  /** false: the runtime is neither stopped nor started. */
  readonly restart?: boolean | undefined;
}
export const UNDO_REQUEST: Schema<UndoRequest> = named(
  "UndoRequest",
  z.strictObject({
    restore_id: z.optional(matching(String.raw`^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-[0-9a-f]{6}$`, "must be the id of a restore")),
    force: z.optional(z.boolean()),
    restart: z.optional(z.boolean()),
  }),
);

export interface UndoReport {
  readonly run_id: string;
  /** Of the restore that was undone. */
  readonly backup_id: string;
  readonly restore_id: string;
  readonly components: readonly string[];
  readonly warnings: readonly string[];
}
export const UNDO_REPORT: Schema<UndoReport> = named(
  "UndoReport",
  z.object({
    run_id: z.string(),
    backup_id: z.string(),
    restore_id: z.string(),
    components: z.array(z.string()),
    warnings: z.array(z.string()),
  }),
);
