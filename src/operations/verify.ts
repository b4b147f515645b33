import { DamageError } from "../kernel/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { judgeByPacks } from "./judge-by-packs.ts";
import { tellDamage } from "./notify/index.ts";
import { damageIn } from "./read-listing.ts";
import { readingBack } from "./reading-back.ts";
import { verifyOne, type VerifyResult } from "./verify-one.ts";
import { verifySample, type VerifiedSample } from "./verify-sample.ts";

export interface VerifyOptions {
  /** References; the newest backup unless given. */
  readonly references?: readonly string[];
  readonly all?: boolean;
  /** In place of both: so much of the vault's bytes, those first that were read back longest ago. Above 0, at most 1. */
  readonly sample?: number;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  /** Chooses among those that were read at the same time; Math.random unless given. */
  readonly random?: () => number;
}

export interface VerifyReport {
  /** Of what was asked for; then of other backups that share what is damaged. Of a sample in repository form: those that are damaged. */
  readonly results: readonly VerifyResult[];
  /** What is wrong with the vault itself: damaged manifests, missing numbers, a broken chain. */
  readonly vault: readonly string[];
  readonly sample?: VerifiedSample;
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
  const faults = damageIn(listing);
  if (options.sample !== undefined)
    return { ...(await verifySample(vault, listing, instance, { ...options, sample: options.sample })), vault: faults };
  const heads =
    options.all === true
      ? listing.backups
      : await Promise.all((options.references ?? ["latest"]).map((reference) => findBackup(vault, reference)));
  return await readingBack(vault, instance, async (readBack) => {
    const results: VerifyResult[] = [];
    const remember = heads.length > 1;
    for (const head of heads) results.push(await verifyOne(vault, head, instance, { ...options, readBack, remember }));
    if (readBack !== undefined) {
      const read = new Set<string>(heads.map(({ id }) => id));
      const { damaged } = await judgeByPacks(vault, { backups: listing.backups, readBack, read, again: false }, instance, options);
      results.push(...damaged);
    }
    return { results, vault: faults };
  });
}
