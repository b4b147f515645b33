import { DamageError, HoldfastError, namedSystemError, VERSION } from "../kernel/index.ts";
import type { BackupHead, BackupReader, ProvedBackup, Vault, VerifiedMark } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { tellDamage } from "./notify/index.ts";
import { damageIn } from "./read-listing.ts";

export interface VerifyOptions {
  /** References; the newest backup unless given. */
  readonly references?: readonly string[];
  readonly all?: boolean;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

export interface VerifyResult {
  readonly id: string;
  readonly ok: boolean;
  readonly entries: number;
  readonly bytes: number;
  readonly problem: string | null;
}

export interface VerifyReport {
  readonly results: readonly VerifyResult[];
  /** What is wrong with the vault itself: damaged manifests, missing numbers, a broken chain. */
  readonly vault: readonly string[];
}

/** Reads backups back whole, compares every byte with the manifest, and sets the verdict `verified`. Damage is told to whoever asked. */
export async function verify(instance: Instance, options: VerifyOptions = {}): Promise<VerifyReport> {
  let report: VerifyReport;
  try {
    report = await verifyAll(instance, options);
  } catch (error) {
    if (error instanceof DamageError) await tell(instance, { results: [], vault: [error.message] }, options);
    throw error;
  }
  await tell(instance, report, options);
  return report;
}

async function tell(instance: Instance, report: VerifyReport, { signal }: VerifyOptions): Promise<void> {
  for (const problem of await tellDamage(instance, report, signal)) instance.remark(`Not told: ${problem}`);
}

async function verifyAll(instance: Instance, options: VerifyOptions): Promise<VerifyReport> {
  await using vault = await instance.openVault();
  const listing = await vault.list();
  const heads =
    options.all === true
      ? listing.backups
      : await Promise.all((options.references ?? ["latest"]).map((reference) => findBackup(vault, reference)));
  const results: VerifyResult[] = [];
  for (const head of heads) results.push(await verifyOne(vault, head, instance, options));
  return { results, vault: damageIn(listing) };
}

/** Reads one backup back, leaves the verdict beside it, and reports it. Only damage is a verdict; other failures throw. */
export async function verifyOne(
  vault: Vault,
  head: BackupHead,
  instance: Instance,
  options: Pick<VerifyOptions, "signal" | "onBytes"> = {},
): Promise<VerifyResult> {
  let entries = 0;
  let bytes = 0;
  let problem: string | null = null;
  {
    await using reader = await vault.open(head.id);
    try {
      ({ entries, bytes } = await (reader.prove?.(options) ?? readWhole(reader, options)));
      if (entries === 0) throw new DamageError("BACKUP_DAMAGED", `Backup "${head.id}" holds no entry`);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.row.kind !== "damage") throw error;
      problem = error.message;
    }
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

async function readWhole(reader: BackupReader, options: Pick<VerifyOptions, "signal" | "onBytes">): Promise<ProvedBackup> {
  let entries = 0;
  let bytes = 0;
  for await (const { content } of reader.read(options)) {
    for await (const chunk of content ?? []) bytes += chunk.length;
    entries += 1;
  }
  return { entries, bytes };
}
