import type { BackupOutcome } from "../../backup/index.ts";
import { formatBytes, type HoldfastError } from "../../kernel/index.ts";
import type { Trigger } from "../../vault/index.ts";
import { backupResult } from "../backup-result.ts";
import type { Happening } from "./notification.ts";

/** A partial backup, or one with an alarm, ends with exit code 3 and is told as a failure: something declared is not safe. */
export function backupTaken(outcome: BackupOutcome): Happening {
  const { id, status, trigger, size_bytes, stored_bytes, components, not_captured, alarms } = backupResult(outcome);
  const good = status === "complete" && alarms.length === 0;
  const size = `${components.length} components, ${formatBytes(size_bytes)}`;
  const wrong = [...not_captured.map(({ name, reason }) => `${name}: ${reason}`), ...alarms];
  return {
    event: good ? "success" : "failure",
    subject: id,
    message: good
      ? `Backup ${id} is complete: ${size}`
      : `Backup ${id} is ${status}: ${wrong.length === 0 ? "something declared is not whole in it" : wrong.join("; ")}`,
    details: { trigger, backup_id: id, status, size_bytes, stored_bytes, not_captured, alarms },
  };
}

export function backupFailed(trigger: Trigger, { code, message, hint }: HoldfastError): Happening {
  return {
    event: "failure",
    subject: `${trigger} backup`,
    message: `The ${trigger} backup failed: ${message}`,
    details: { trigger, backup_id: null, status: "failed", code, hint: hint ?? null },
  };
}
