import { isBackupId, type BackupId } from "./backup-id.ts";
import { checkVersion, DocumentFields, parseJsonDocument } from "./document.ts";
import type { Previous } from "./manifest.ts";
import { checkPrevious } from "./parse-manifest.ts";

/** Of what the first readers of vaults know. */
export const RECORD_VERSION = "1";
/** Of a summary, which they do not. */
export const SUMMARY_VERSION = "2";
/** Of a summary. */
export const MOST_RANGES = 100_000;
const SHA256 = /^[0-9a-f]{64}$/;

export interface RecordedBackup {
  readonly sequence: number;
  readonly id: BackupId;
  readonly manifest_sha256: string;
  /** Why this one, where the record's own reason is of all of them. */
  readonly reason?: string;
}

/** A backup whose manifest cannot be trusted, removed or brought back by hand. */
export interface RecordedDamage {
  /** Of the file or folder in the vault. */
  readonly name: string;
  /** As far as it could be told; null leaves the number to the others that are damaged. */
  readonly sequence: number | null;
}

/**
 * A document in the chain that is no backup. Written before anything is moved, so that a number which is neither a
 * manifest nor in a record was taken away by somebody else.
 * - `removal`: these backups go to the trash, and `reason` says why
 * - `return`: these come back from it
 * - `summary`: takes in records before it, of backups that are gone for good, and these can go as well
 */
export interface VaultRecord {
  readonly version: typeof RECORD_VERSION | typeof SUMMARY_VERSION;
  readonly kind: "removal" | "return" | "summary";
  readonly sequence: number;
  readonly previous: Previous | null;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly reason: string;
  readonly backups: readonly RecordedBackup[];
  readonly damaged?: readonly RecordedDamage[];
  /** Of a summary: the numbers of the records that it takes in, and of what they were about. Rising, and with gaps between them. */
  readonly gone?: readonly NumberRange[];
  /** Of a summary: those of them that a document refers to which is there. */
  readonly referred?: readonly Previous[];
}

/** Numbers from the first to the last. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** @throws DamageError MANIFEST_INVALID · HostError VERSION_UNSUPPORTED */
export function parseRecord(bytes: Uint8Array, expected: { readonly sequence: number }): VaultRecord {
  const name = `record ${expected.sequence}`;
  const value = parseJsonDocument(name, bytes);
  const fields = new DocumentFields(name, value);
  const isSummary = fields.raw("version") === SUMMARY_VERSION;
  checkVersion(name, value, isSummary ? SUMMARY_VERSION : RECORD_VERSION);
  fields.oneOf("kind", isSummary ? ["summary"] : ["removal", "return"]);
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
    if (one.has("reason")) one.text("reason", 10_000);
  });
  if (fields.has("damaged")) {
    fields.list("damaged", 1_000_000, (items, index) => {
      const one = items.object(index);
      one.text("name", 200);
      if (one.raw("sequence") !== null && one.integer("sequence", 1) >= sequence) one.fail("sequence", `must be below ${sequence}`);
    });
  }
  if (isSummary) checkSummary(fields, sequence);
  return value as VaultRecord;
}

function checkSummary(fields: DocumentFields, sequence: number): void {
  let before = -1;
  fields.list("gone", MOST_RANGES, (items, index) => {
    const range = items.object(index);
    const from = range.integer("from", 1);
    if (from <= before + 1) range.fail("from", `must be above ${before + 1}`);
    before = range.integer("to", from);
    if (before >= sequence) range.fail("to", `must be below ${sequence}`);
  });
  fields.list("referred", MOST_RANGES, (items, index) => checkPrevious(items.object(index), sequence));
}
