import { HoldfastError, messageOf } from "../kernel/index.ts";
import { foundDamage, fromTheFuture, goodFor, lastTakenFirst, type BackupHead, type Importance, type Listing } from "../vault/index.ts";
import type { LeaseView } from "../lease/index.ts";
import type { Instance } from "./instance.ts";
import { reportLease } from "./lease.ts";
import { readLastRun, type LastRun } from "./last-run.ts";
import { pendingRestore } from "./settle-restore.ts";
import { damageIn } from "./read-listing.ts";
import { describeLoss, readVault, type SeenVault } from "./read-vault.ts";
import { recordedDamage } from "./recorded-damage.ts";
import { staleVerdicts } from "./stale-verdicts.ts";
import { listTasks, type TaskStatus } from "./list-tasks.ts";

export interface ComponentStatus {
  readonly name: string;
  readonly importance: Importance | null;
  /** Newest backup that carries it at all. */
  readonly captured: string | null;
  readonly capturedAt: string | null;
  /** Newest good backup whose bytes were read back and matched. */
  readonly verified: string | null;
  readonly verifiedAt: string | null;
  /** No good backup of it is younger than twice the schedule, whatever else may be wrong with it. */
  readonly overdue: boolean;
  readonly safe: boolean;
  /** Why it is not safe, or what to look at. */
  readonly problem: string | null;
}

export interface Status {
  readonly instance: string;
  readonly vault: string;
  readonly backups: number;
  readonly newest: string | null;
  readonly components: readonly ComponentStatus[];
  /** The newest run when it failed and made no backup. */
  readonly failedRun: LastRun | null;
  /** A restore that runs or was cut off: the live state is not to be trusted until it has ended. */
  readonly restore: { readonly id: string; readonly backup: string; readonly phase: string; readonly since: string } | null;
  /** Who does heavy work at this moment; null when nobody does. */
  readonly lease: LeaseView | null;
  /** Every declared task and service. */
  readonly tasks: readonly TaskStatus[];
  /** What is wrong in the vault, with the lease, or with the set-up. */
  readonly problems: readonly string[];
  /** Whether every deciding() component is safe, and no run or restore is the newest thing that went wrong. */
  readonly safe: boolean;
}

/**
 * One screen about what is protected and what runs. Reads the vault, the lease and the ledger; never opens a component. Of
 * the packs it looks at those alone that the newest good backups need, by name and length.
 */
export async function status(instance: Instance): Promise<Status> {
  const { config } = instance;
  const seen = await readVault(instance, (read) => newestGood(lastTaken(read), config.backup.include));
  const { listing } = seen;
  const lastRun = readLastRun(config.stateDir);
  const failedRun = lastRun?.ok === false ? lastRun : null;
  const pending = pendingRestore(instance);
  const lease = await readLease(instance);
  const stale = staleVerdicts(instance, listing);
  const recorded = recordedDamage(listing);
  const backups = lastTaken(listing);
  const components = config.backup.include.map((name) => componentStatus(name, instance, seen, backups));
  return {
    instance: config.name,
    vault: config.backup.path,
    backups: listing.backups.length,
    newest: listing.backups[0]?.id ?? null,
    components,
    failedRun,
    restore: pending === null ? null : { id: pending.id, backup: pending.backup, phase: pending.phase, since: pending.started_at },
    lease: lease.view,
    tasks: listTasks(instance).filter(({ kind }) => kind !== "not declared"),
    problems: [
      ...lease.problems,
      ...damageIn(listing),
      ...(recorded === null ? [] : [`${recorded.line}; see: holdfast backup list, and what to do: holdfast doctor`]),
      ...(seen.packs instanceof HoldfastError ? [`packs: ${seen.packs.message}`] : []),
      ...(stale === null ? [] : [stale]),
      ...fromTheFuture(listing.backups, instance.clock.now()).map(({ id }) => `${id}: taken later than the clock says it is now`),
      ...listing.unfinished.map((name) => `${name}: unfinished work of a process that ended; never a backup`),
      ...listing.foreign.map((name) => `${name}: not a backup; left alone`),
    ],
    safe: failedRun === null && pending === null && deciding(components).every(({ safe }) => safe),
  };
}

/** The components by which a state is called safe: those that are critical or of which that is not known, and where there are none, all of them. */
export function deciding<C extends Pick<ComponentStatus, "importance">>(components: readonly C[]): readonly C[] {
  const critical = components.filter(({ importance }) => importance === null || importance === "critical");
  return critical.length === 0 ? components : critical;
}

/** A lease that cannot be read is one of the things to say, and no reason to say nothing else. */
async function readLease(instance: Instance): Promise<{ readonly view: LeaseView | null; readonly problems: readonly string[] }> {
  try {
    const { lease } = await reportLease(instance);
    return { view: lease?.state === "free" ? null : lease, problems: [] };
  } catch (error) {
    return { view: null, problems: [`lease: ${messageOf(error)}`] };
  }
}

/** What was kept before a restore is the state that somebody wanted to leave: it says nothing of how backups go. */
function lastTaken({ backups }: Listing): readonly BackupHead[] {
  return lastTakenFirst(backups.filter(({ manifest }) => manifest.trigger !== "pre-restore"));
}

/** Of each component; one that several have in common once. */
function newestGood(backups: readonly BackupHead[], components: readonly string[]): readonly BackupHead[] {
  return [...new Set(components.flatMap((name) => goodOf(backups, name) ?? []))];
}

function goodOf(backups: readonly BackupHead[], component: string): BackupHead | undefined {
  return backups.find((head) => goodFor(head.manifest, component) && head.marks.verified?.ok !== false);
}

function componentStatus(
  name: string,
  instance: Instance,
  { listing: { damaged, missing }, packs }: SeenVault,
  backups: readonly BackupHead[],
): ComponentStatus {
  const declared = instance.config.components.find((component) => component.name === name);
  const carrying = backups.find(({ manifest }) => manifest.component_details[name] !== undefined);
  const good = goodOf(backups, name);
  const verified = backups.find((head) => goodFor(head.manifest, name) && head.marks.verified?.ok === true);
  // A backup of other components says nothing about this one.
  const newest = backups.find(
    ({ manifest }) => manifest.component_details[name] !== undefined || manifest.not_captured[name] !== undefined,
  );
  const distrusted = damaged.find((broken) => good !== undefined && instantOf(broken.name) >= instantOf(good.id));
  const gone = missing.find((number) => backups.every(({ manifest }) => manifest.sequence < number));
  const doubt =
    distrusted === undefined
      ? gone === undefined
        ? undefined
        : `a newer backup is gone: number ${gone}`
      : `a newer backup cannot be trusted: ${distrusted.name}`;
  const late = overdue(good, instance);
  const wrong = [problemOf(name, newest, good, doubt), lossOf(good, packs)].filter((one) => one !== null);
  const problem = wrong.length === 0 ? late : wrong.join("; ");
  return {
    name,
    importance:
      declared?.importance ??
      carrying?.manifest.component_details[name]?.importance ??
      newest?.manifest.not_captured[name]?.importance ??
      null,
    captured: carrying?.id ?? null,
    capturedAt: carrying?.manifest.timestamp ?? null,
    verified: verified?.id ?? null,
    verifiedAt: verified?.marks.verified?.at ?? null,
    overdue: late !== null,
    safe: problem === null,
    problem,
  };
}

/** A backup that was good when it was taken says nothing of a state that has gone on for twice the schedule. */
function overdue(good: BackupHead | undefined, { config, clock }: Instance): string | null {
  if (good === undefined) return null;
  const hours = (clock.now() - Date.parse(good.manifest.timestamp)) / 3_600_000;
  const limit = 2 * config.backup.scheduleHours;
  return hours > limit
    ? `overdue: ${good.id} is ${Math.floor(hours)} hours old, and one is due every ${config.backup.scheduleHours}`
    : null;
}

/** Components whose newest good backup is too old, whatever else may be wrong with them. */
export function overdueComponents(instance: Instance, listing: Listing): readonly { readonly name: string; readonly problem: string }[] {
  const backups = lastTaken(listing);
  return instance.config.backup.include.flatMap((name) => {
    const problem = overdue(goodOf(backups, name), instance);
    return problem === null ? [] : [{ name, problem }];
  });
}

/** What is not there any more of the backup that all depends on. */
function lossOf(good: BackupHead | undefined, packs: SeenVault["packs"]): string | null {
  if (good === undefined || packs instanceof HoldfastError) return null;
  const untold = packs.untold.find(({ id }) => id === good.id);
  if (untold !== undefined) return `it cannot be told which packs ${good.id} needs: ${untold.problem}`;
  const lost = packs.lost.filter(({ backups }) => backups.includes(good.id));
  return lost.length === 0 ? null : `${good.id} is not whole any more: ${describeLoss(lost)}`;
}

/** What the name of a backup says of its time: a damaged one has nothing else to go by. */
function instantOf(name: string): string {
  return name.slice(0, "2026-03-15T14-30-00".length);
}

function problemOf(name: string, newest: BackupHead | undefined, good: BackupHead | undefined, doubt: string | undefined): string | null {
  if (newest === undefined) return "never backed up";
  if (good?.id === newest.id) return doubt === undefined ? null : `${doubt}; newest good is ${good.id}`;
  const missing = newest.manifest.not_captured[name];
  const details = newest.manifest.component_details[name];
  const why =
    missing?.reason ??
    damageOf(newest) ??
    (details?.suspect === true ? "the database is damaged" : undefined) ??
    (details === undefined ? "not in the newest backup" : "not whole in the newest backup");
  return good === undefined ? `${why}; there is no good backup` : `${why}; newest good is ${good.id}`;
}

function damageOf(head: BackupHead): string | undefined {
  const damage = foundDamage(head);
  return damage === undefined ? undefined : `damaged: ${damage}`;
}
