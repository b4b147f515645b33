/**
 * Who is told what became of backups, and of what lasts: overdue, starving, damage. Addresses, healthchecks-style pings, programs.
 *
 * Nothing here throws, and nothing takes longer than an endpoint's `timeout`: telling is never a reason for a backup to fail or
 * to hang. A notification is kept on disk before it is sent and until it has arrived, for a day; what lasts is told once when
 * it begins and once when it ends. No secret leaves in a message, and no request goes to a link-local address, whatever a
 * name resolves to or an answer redirects to.
 */
export { backupFailed, backupTaken } from "./backup-happening.ts";
export { conditionWatch } from "./watch-conditions.ts";
export { endpointName, secretless } from "./endpoint.ts";
export { notify } from "./notify.ts";
export { tellDamage } from "./damage.ts";
export { testNotify, type Trial } from "./try-out.ts";
export { undelivered } from "./outbox.ts";
