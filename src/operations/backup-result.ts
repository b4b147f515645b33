import type { BackupOutcome } from "../backup/index.ts";
import { goodFor } from "../vault/index.ts";

/** What a finished backup is, as the command prints it with --json and the library returns it. */
export interface BackupResult {
  readonly schema: "holdfast.backup/1";
  readonly id: string;
  /** complete: everything declared that is critical or high is in, whole and not suspect; partial: it is committed, and something is missing. */
  readonly status: "complete" | "partial";
  readonly sequence: number;
  readonly timestamp: string;
  readonly trigger: string;
  readonly location: string;
  readonly size_bytes: number;
  readonly stored_bytes: number;
  readonly components: readonly { readonly name: string; readonly good: boolean; readonly bytes: number; readonly entries: number }[];
  readonly not_captured: readonly { readonly name: string; readonly code: string; readonly reason: string }[];
  readonly alarms: readonly string[];
  /** Omissions, changes and warnings, one line each. */
  readonly warnings: readonly string[];
}

export function backupResult({ head, status, alarms, notes }: BackupOutcome): BackupResult {
  const { manifest } = head;
  return {
    schema: "holdfast.backup/1",
    id: head.id,
    status,
    sequence: manifest.sequence,
    timestamp: manifest.timestamp,
    trigger: manifest.trigger,
    location: head.location,
    size_bytes: manifest.size_bytes,
    stored_bytes: manifest.stored_bytes,
    components: manifest.components.map((name) => ({
      name,
      good: goodFor(manifest, name),
      bytes: manifest.component_details[name]?.bytes ?? 0,
      entries: manifest.component_details[name]?.entries ?? 0,
    })),
    not_captured: Object.entries(manifest.not_captured).map(([name, { code, reason }]) => ({ name, code, reason })),
    alarms,
    warnings: [...notes, ...warningsOf(manifest)],
  };
}

function warningsOf(manifest: BackupOutcome["head"]["manifest"]): string[] {
  return Object.entries(manifest.component_details).flatMap(([name, details]) => [
    ...details.warnings.map((warning) => `${name}: ${warning}`),
    ...details.omissions.filter(({ harmless }) => !harmless).map(({ path, reason }) => `${name}/${path}: ${reason}`),
    ...details.changed.map(({ path, change }) => `${name}/${path}: ${CHANGES[change]}`),
  ]);
}

const CHANGES = {
  grew: "grew while it was read; stored up to the size that it had",
  rewritten: "did not hold still; stored as it was read",
  replaced: "was replaced while it was read; the newer one is stored",
  vanished: "vanished before it was read",
} as const;
