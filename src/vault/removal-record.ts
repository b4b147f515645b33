import { isBackupId, type BackupId } from "./backup-id.ts";
import { checkVersion, DocumentFields, parseJsonDocument } from "./document.ts";
import type { Previous } from "./manifest.ts";
import { checkPrevious } from "./parse-manifest.ts";

export const RECORD_VERSION = "1";
const SHA256 = /^[0-9a-f]{64}$/;

export interface RecordedBackup {
  readonly sequence: number;
  readonly id: BackupId;
  readonly manifest_sha256: string;
}

/**
 * A document in the chain that is no backup. Written before anything is moved, so that a number which is neither a
 * manifest nor in a record was taken away by somebody else.
 * - `removal`: these backups go to the trash, and `reason` says why
 * - `return`: these come back from it
 */
export interface VaultRecord {
  readonly version: typeof RECORD_VERSION;
  readonly kind: "removal" | "return";
  readonly sequence: number;
  readonly previous: Previous | null;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly reason: string;
  readonly backups: readonly RecordedBackup[];
}

/** @throws DamageError MANIFEST_INVALID · HostError VERSION_UNSUPPORTED */
export function parseRecord(bytes: Uint8Array, expected: { readonly sequence: number }): VaultRecord {
  const name = `record ${expected.sequence}`;
  const value = parseJsonDocument(name, bytes);
  checkVersion(name, value, RECORD_VERSION);
  const fields = new DocumentFields(name, value);
  fields.oneOf("kind", ["removal", "return"]);
  const sequence = fields.integer("sequence", 1);
  if (sequence !== expected.sequence) fields.fail("sequence", `must be ${expected.sequence} as the name says`);
  const previous = fields.nullable("previous");
  if (previous !== null) checkPrevious(previous, sequence);
  fields.instant("at");
  fields.text("reason", 10_000);
  fields.list("backups", 1_000_000, (items, index) => {
    const one = items.object(index);
    if (one.integer("sequence", 1) >= sequence) one.fail("sequence", `must be below ${sequence}`);
    if (!isBackupId(one.text("id", 100))) one.fail("id", "must be a backup id");
    one.matching("manifest_sha256", SHA256, "64 hexadecimal digits");
  });
  return value as VaultRecord;
}
