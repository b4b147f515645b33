import { DamageError, HoldfastError, namedSystemError, VERSION } from "../kernel/index.ts";
import type { BackupHead, BackupReader, ProvedBackup, ReadBack, ReadBackOptions, Vault, VerifiedMark } from "../vault/index.ts";
import type { Instance } from "./instance.ts";

export interface VerifyResult {
  readonly id: string;
  readonly ok: boolean;
  readonly entries: number;
  readonly bytes: number;
  readonly problem: string | null;
}

export interface VerifyOneOptions extends ReadBackOptions {
  /** What the same run has read back. */
  readonly readBack?: ReadBack | undefined;
  /** More backups follow. */
  readonly remember?: boolean;
}

/** What the mark of a backup says that did not read back. */
export function knownDamage({ id, marks: { verified } }: BackupHead): VerifyResult | null {
  if (verified?.ok !== false) return null;
  return { id, ok: false, entries: verified.entries, bytes: verified.bytes, problem: verified.problem ?? "It does not read back" };
}

/** Reads one backup back, leaves the verdict beside it, and reports it. Only damage is a verdict; other failures throw. */
export async function verifyOne(
  vault: Vault,
  head: BackupHead,
  instance: Instance,
  { readBack, ...options }: VerifyOneOptions = {},
): Promise<VerifyResult> {
  let entries = 0;
  let bytes = 0;
  let problem: string | null = null;
  try {
    ({ entries, bytes } = await (readBack?.proveBackup(head.id, options) ?? proveAlone(vault, head, options)));
    if (entries === 0) throw new DamageError("BACKUP_DAMAGED", `Backup "${head.id}" holds no entry`);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.row.kind !== "damage") throw error;
    problem = error.message;
  }
  const mark: VerifiedMark = {
    at: new Date(instance.clock.now()).toISOString(),
    holdfast_version: VERSION,
    manifest_sha256: head.manifestSha256,
    entries,
    bytes,
    ok: problem === null,
    ...(problem === null ? {} : { problem }),
  };
  try {
    await vault.setMark(head.id, "verified", mark);
  } catch (error) {
    // Damage is told also where its verdict cannot be kept, as on a full disk.
    if (problem === null) throw error;
    problem += `; this verdict could not be kept: ${namedSystemError(error, "keep it").message}`;
  }
  return { id: head.id, ok: problem === null, entries, bytes, problem };
}

async function proveAlone(vault: Vault, head: BackupHead, options: ReadBackOptions): Promise<ProvedBackup> {
  await using reader = await vault.open(head.id);
  return await (reader.prove?.(options) ?? readWhole(reader, options));
}

async function readWhole(reader: BackupReader, options: ReadBackOptions): Promise<ProvedBackup> {
  let entries = 0;
  let bytes = 0;
  for await (const { content } of reader.read(options)) {
    for await (const chunk of content ?? []) bytes += chunk.length;
    entries += 1;
  }
  return { entries, bytes };
}
