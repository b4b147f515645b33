import { BusyError, NotFoundError, type Guard } from "../kernel/index.ts";
import type { Lease } from "../lease/index.ts";
import { dropOutlived } from "../restore/index.ts";
import { describeDecision, planRetention, type RetentionDecision } from "../retention/index.ts";
import type { BackupId, Freed, Vault } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { readLastRun } from "./last-run.ts";
import { pendingRestore, settleRestore } from "./settle-restore.ts";
import { guardOf, underLease, type HeavyOptions } from "./under-lease.ts";

export interface PruneReport {
  /** Newest first. */
  readonly decisions: readonly RetentionDecision[];
  /** What was moved to the trash; what would be, in a dry run. */
  readonly removed: readonly string[];
  /** Bytes that those free once they are gone for good; null when that is not known. */
  readonly freed: number | null;
  /** What lay in the trash since an earlier run and is gone for good. */
  readonly swept: readonly string[];
  /** Why nothing was removed although the policy would; null when nothing stood against it. */
  readonly standsDown: string | null;
  readonly notes: readonly string[];
}

/** Applies the retention policy: what it does not keep goes to the trash, and what lay there before is gone for good. */
export async function prune(instance: Instance, options: HeavyOptions & { readonly dryRun?: boolean } = {}): Promise<PruneReport> {
  if (options.dryRun === true) return await pruneWith(instance, null);
  return await underLease(instance, { owner: "prune", reason: "retention" }, options, async (lease) => {
    await settleRestore(instance, { lease });
    return await pruneWith(instance, guardOf(lease));
  });
}

/** The same behind a backup, in the vault that it opened: what it has read of it is not read twice. */
export async function pruneBehind(instance: Instance, vault: Vault, lease: Lease): Promise<PruneReport> {
  return await pruneWith(instance, guardOf(lease), vault);
}

/** @param guard null: a dry run */
async function pruneWith(instance: Instance, guard: Guard | null, opened?: Vault): Promise<PruneReport> {
  const { config, clock } = instance;
  const outlived =
    guard === null || pendingRestore(instance) !== null
      ? []
      : await guard("removal of what restores had replaced", () => dropOutlived(config.stateDir, clock.now(), null));
  const work = (vault: Vault): Promise<PruneReport> =>
    pruneVault(instance, vault, { guard, runFailed: lastFailure(instance), isTold: opened === undefined });
  const report = await (opened === undefined ? withVault(instance, work) : work(opened));
  return {
    ...report,
    notes: [...outlived.map((id) => `what restore ${id} had replaced was kept for seven days and is gone`), ...report.notes],
  };
}

const NOTHING: PruneReport = { decisions: [], removed: [], freed: 0, swept: [], standsDown: null, notes: [] };

/** Where no backup was taken yet there is nothing to decide about, and that is no failure. */
async function withVault(instance: Instance, work: (vault: Vault) => Promise<PruneReport>): Promise<PruneReport> {
  let vault: Vault;
  try {
    vault = await instance.openVault();
  } catch (error) {
    if (error instanceof NotFoundError) return NOTHING;
    throw error;
  }
  await using open = vault;
  return await work(open);
}

interface PruneVaultOptions {
  /** Runs what cannot be taken back; null: a dry run. */
  readonly guard: Guard | null;
  /** Why the newest run failed, for another reason than space; null when it did not. */
  readonly runFailed: string | null;
  /** Whether somebody is told what is freed: for that the packs of every backup are looked up. */
  readonly isTold: boolean;
}

async function pruneVault(instance: Instance, vault: Vault, { guard, runFailed, isTold }: PruneVaultOptions): Promise<PruneReport> {
  const { config, clock } = instance;
  const { backups } = await vault.list();
  const decisions = planRetention(backups, config.backup.retention, clock.now());
  const going = decisions.filter(({ keep }) => !keep).map(({ id }) => id as BackupId);
  const standsDown = going.length === 0 ? null : reasonToStandDown(instance, runFailed);
  const frees = guard === null || standsDown === null ? going : [];
  const told = isTold ? await vault.freed?.(frees) : undefined;
  const freed = told?.bytes ?? null;
  const notes = told === undefined || told.heldBy.length === 0 ? [] : [heldNote(told.heldBy)];
  if (guard === null || standsDown !== null)
    return { decisions, removed: guard === null ? going : [], freed, swept: [], standsDown, notes };
  const swept = await sweep(vault, guard, notes);
  if (going.length > 0) {
    const reasons = new Map(decisions.filter(({ keep }) => !keep).map((decision) => [decision.id, describeDecision(decision)]));
    await guard("removal by retention", () => vault.remove(going, `retention: ${policyText(instance)}`, clock.now(), reasons));
  }
  return { decisions, removed: going, freed, swept, standsDown, notes };
}

function heldNote(held: Freed["heldBy"]): string {
  const [first] = held;
  const which = held.length === 1 ? `"${first?.name}"` : `${held.length} backups, "${first?.name}" among them,`;
  const why = `No pack is deleted while ${which} cannot be read, because it might need any of them`;
  return `${why}: ${first?.problem}. When nothing else helps, give it up: holdfast backup delete ${first?.name}`;
}

/** When space is short nothing waits in the trash: what retention gives up is gone at once. */
export async function makeRoom(instance: Instance, vault: Vault, guard: Guard): Promise<readonly string[]> {
  const notes: string[] = [];
  const swept = await sweep(vault, guard, notes);
  const { removed, notes: more } = await pruneVault(instance, vault, { guard, runFailed: null, isTold: false });
  const gone = removed.length > 0 ? await sweep(vault, guard, notes) : [];
  const ids = [...swept, ...gone];
  return [
    ...notes,
    ...more,
    ids.length === 0 ? "space is short, and retention has nothing to give up" : `space is short: ${ids.join(", ")} gone for good`,
  ];
}

/** The trash of earlier runs. Somebody may be reading from it: then it stays for the next run. */
async function sweep(vault: Vault, guard: Guard, notes: string[]): Promise<readonly BackupId[]> {
  try {
    return await guard("sweep of the trash", () => vault.sweepTrash());
  } catch (error) {
    if (!(error instanceof BusyError) || error.code !== "VAULT_BUSY") throw error;
    notes.push("The trash was not emptied, because somebody reads from the vault; the next prune does");
    return [];
  }
}

/** A policy that is applied while backups fail counts down to the last good one. */
function reasonToStandDown(instance: Instance, runFailed: string | null): string | null {
  const restore = pendingRestore(instance);
  if (restore !== null) return `a restore of ${restore.backup} has not ended`;
  return runFailed === null ? null : `the newest run failed (${runFailed}): nothing is removed until one succeeds`;
}

function lastFailure({ config }: Instance): string | null {
  const run = readLastRun(config.stateDir);
  return run === null || run.ok || run.code === "NO_SPACE" ? null : (run.message ?? run.code ?? "unknown");
}

function policyText({ config }: Instance): string {
  const { maxCount, maxAgeDays, keepTags, timezone, ...tiers } = config.backup.retention;
  const on = Object.entries(tiers).flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : []));
  const tags = keepTags.length === 0 ? [] : [`keep_tags ${keepTags.join(", ")}`];
  return [`max_count ${maxCount}`, `max_age_days ${maxAgeDays}`, ...on, ...tags, timezone].join(", ");
}
