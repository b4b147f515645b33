import { BusyError } from "../kernel/index.ts";
import { dropOutlived } from "../restore/index.ts";
import { planRetention, type RetentionDecision } from "../retention/index.ts";
import type { BackupId, Vault } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { readLastRun } from "./last-run.ts";
import { pendingRestore, settleRestore } from "./settle-restore.ts";

export interface PruneReport {
  /** Newest first. */
  readonly decisions: readonly RetentionDecision[];
  /** What was moved to the trash; what would be, in a dry run. */
  readonly removed: readonly string[];
  /** What lay in the trash since an earlier run and is gone for good. */
  readonly swept: readonly string[];
  /** Why nothing was removed although the policy would; null when nothing stood against it. */
  readonly standsDown: string | null;
  readonly notes: readonly string[];
}

/** Applies the retention policy: what it does not keep goes to the trash, and what lay there before is gone for good. */
export async function prune(instance: Instance, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<PruneReport> {
  if (!dryRun) await settleRestore(instance);
  const { config, clock } = instance;
  const outlived = dryRun || pendingRestore(instance) !== null ? [] : dropOutlived(config.stateDir, clock.now(), null);
  await using vault = await instance.openVault();
  const report = await pruneVault(instance, vault, { dryRun });
  return {
    ...report,
    notes: [...outlived.map((id) => `what restore ${id} had replaced was kept for seven days and is gone`), ...report.notes],
  };
}

/** The same for a vault that is open. Never called while a restore of this instance runs. */
export async function pruneVault(instance: Instance, vault: Vault, { dryRun }: { readonly dryRun: boolean }): Promise<PruneReport> {
  const { config, clock } = instance;
  const { backups } = await vault.list();
  const decisions = planRetention(backups, config.backup.retention, clock.now());
  const going = decisions.filter(({ keep }) => !keep).map(({ id }) => id as BackupId);
  const standsDown = going.length === 0 ? null : reasonToStandDown(instance);
  if (dryRun || standsDown !== null) return { decisions, removed: dryRun ? going : [], swept: [], standsDown, notes: [] };
  const notes: string[] = [];
  const swept = await sweep(vault, notes);
  if (going.length > 0) await vault.remove(going, `retention: ${policyText(instance)}`, clock.now());
  return { decisions, removed: going, swept, standsDown, notes };
}

/** When space is short nothing waits in the trash: what retention gives up is gone at once. */
export async function makeRoom(instance: Instance, vault: Vault): Promise<readonly string[]> {
  const notes: string[] = [];
  const swept = await sweep(vault, notes);
  const { removed, notes: more } = await pruneVault(instance, vault, { dryRun: false });
  const gone = removed.length > 0 ? await sweep(vault, notes) : [];
  const ids = [...swept, ...gone];
  return [
    ...notes,
    ...more,
    ids.length === 0 ? "space is short, and retention has nothing to give up" : `space is short: ${ids.join(", ")} gone for good`,
  ];
}

/** The trash of earlier runs. Somebody may be reading from it: then it stays for the next run. */
async function sweep(vault: Vault, notes: string[]): Promise<readonly BackupId[]> {
  try {
    return await vault.sweepTrash();
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
    notes.push("The trash was not emptied, because somebody reads from the vault; the next prune does");
    return [];
  }
}

/** A policy that is applied while backups fail counts down to the last good one. */
function reasonToStandDown(instance: Instance): string | null {
  const restore = pendingRestore(instance);
  if (restore !== null) return `a restore of ${restore.backup} has not ended`;
  const run = readLastRun(instance.config.stateDir);
  if (run === null || run.ok || run.code === "NO_SPACE") return null;
  return `the newest run failed (${run.message ?? run.code ?? "unknown"}): nothing is removed until one succeeds`;
}

function policyText({ config }: Instance): string {
  const { maxCount, maxAgeDays, keepTags, timezone, ...tiers } = config.backup.retention;
  const on = Object.entries(tiers).flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : []));
  const tags = keepTags.length === 0 ? [] : [`keep_tags ${keepTags.join(", ")}`];
  return [`max_count ${maxCount}`, `max_age_days ${maxAgeDays}`, ...on, ...tags, timezone].join(", ");
}
