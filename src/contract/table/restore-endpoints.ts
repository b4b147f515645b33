import { PLAN, PLAN_REQUEST, RESTORE_REPORT, RESTORE_REQUEST, UNDO_REPORT, UNDO_REQUEST } from "../restores.ts";
import { PRUNE_REPORT, RETENTION, WAIT_REQUEST } from "../runs.ts";
import type { Endpoints } from "../endpoints.ts";
import { STARTED } from "./parts.ts";

/** What puts state back, and what takes old backups away. */
export const RESTORE_ENDPOINTS: Pick<Endpoints, "restore" | "planRestore" | "undoRestore" | "showRetention" | "prune"> = {
  restore: {
    method: "POST",
    path: "/admin/restore",
    scope: "restore",
    changes: true,
    summary: "Put a backup in the place of what is live; it goes on when the client hangs up",
    body: RESTORE_REQUEST,
    answers: {
      202: { ...STARTED, means: "With `wait: false`: it has begun; Location is the run" },
      200: { means: "It is in place", schema: RESTORE_REPORT },
    },
    errors: [
      "BACKUP_NOT_FOUND",
      "COMPONENT_NOT_FOUND",
      "RESTORE_REFUSED",
      "RESTORE_UNSETTLED",
      "TARGET_HELD",
      "LEASE_HELD",
      "HEALTH_FAILED",
    ],
  },
  planRestore: {
    method: "POST",
    path: "/admin/restore/plan",
    scope: "read",
    changes: false,
    summary: "Say what a restore would do, and what speaks against it; changes nothing",
    body: PLAN_REQUEST,
    answers: { 200: { means: "The plan", schema: PLAN } },
    errors: ["BACKUP_NOT_FOUND", "COMPONENT_NOT_FOUND", "ENGINE_KILLED"],
  },
  undoRestore: {
    method: "POST",
    path: "/admin/restore/undo",
    scope: "restore",
    changes: true,
    summary: "Put back what a restore replaced",
    body: UNDO_REQUEST,
    answers: { 200: { means: "Everything is as before it", schema: UNDO_REPORT } },
    errors: ["NOTHING_TO_UNDO", "BACKUP_NOT_FOUND", "RESTORE_REFUSED", "TARGET_HELD", "LEASE_HELD", "RESTORE_UNSETTLED"],
  },
  showRetention: {
    method: "GET",
    path: "/admin/retention",
    scope: "read",
    changes: false,
    summary: "What a prune would remove, with the reason for each backup",
    answers: { 200: { means: "The decisions", schema: RETENTION } },
    errors: ["RETENTION_REFUSED"],
  },
  prune: {
    method: "POST",
    path: "/admin/prune",
    scope: "operate",
    changes: true,
    summary: "Apply the retention policy",
    body: WAIT_REQUEST,
    answers: { 202: STARTED, 200: { means: "With `wait`: what went", schema: PRUNE_REPORT } },
    errors: ["LEASE_HELD", "RETENTION_REFUSED", "VAULT_BUSY"],
  },
};
