/**
 * Backups around the life of a runtime: before it starts, after it has stopped, before a migration. A failure is an
 * outcome and a line in the log, and keeps no runtime from starting or stopping; a migration alone does not run without.
 */
export type { LifecycleBackup } from "./lifecycle-backup.ts";
export { beforeMigration, migrate, MIGRATION_WAIT, type MigrateRequest, type Migration } from "./migrate.ts";
export { shutdown } from "./shutdown.ts";
export { startup } from "./startup.ts";
