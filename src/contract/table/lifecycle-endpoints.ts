import { LIFECYCLE_REPORT, MIGRATION_REQUEST, SHUTDOWN_REQUEST, STARTUP_REQUEST, type LifecycleReport } from "../lifecycle.ts";
import type { AnswerSpec } from "../endpoint.ts";
import type { Endpoints } from "../endpoints.ts";

const TAKEN: AnswerSpec<LifecycleReport> = { means: "It is committed; Location is the backup", schema: LIFECYCLE_REPORT };
const NONE_TAKEN: AnswerSpec<LifecycleReport> = {
  means: "None was taken, `outcome` and `problem` say why: the runtime goes on all the same",
  schema: LIFECYCLE_REPORT,
};

/** Backups around the life of a runtime in any language. */
export const LIFECYCLE_ENDPOINTS: Pick<Endpoints, "startup" | "shutdown" | "beforeMigration"> = {
  startup: {
    method: "POST",
    path: "/lifecycle/startup",
    scope: "operate",
    changes: true,
    besideRestore: true,
    summary: "Before a runtime accepts work: end a restore that was cut off, take a backup, and answer when it is committed",
    body: STARTUP_REQUEST,
    answers: { 201: TAKEN, 200: NONE_TAKEN },
    errors: [],
  },
  shutdown: {
    method: "POST",
    path: "/lifecycle/shutdown",
    scope: "operate",
    changes: true,
    besideRestore: true,
    summary: "After a runtime's last write: take the last backup within a budget, and answer when it is committed",
    body: SHUTDOWN_REQUEST,
    answers: { 201: TAKEN, 200: NONE_TAKEN },
    errors: [],
  },
  beforeMigration: {
    method: "POST",
    path: "/lifecycle/pre-migration",
    scope: "operate",
    changes: true,
    summary: "Take the backup that a migration can be undone from, and answer when it is committed; after a failure do not migrate",
    body: MIGRATION_REQUEST,
    answers: { 201: TAKEN },
    errors: ["LEASE_HELD", "VAULT_BUSY", "COMPONENT_MISSING", "BACKUP_EMPTY", "NO_SPACE"],
  },
};
