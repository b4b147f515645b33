import ignore from "ignore";
import { lstatAt, UsageError } from "../kernel/index.ts";
import type { Lease } from "../lease/index.ts";
import {
  HELD_HINT,
  holderTargets,
  type InPlaceResult,
  planRestore,
  reportHolders,
  restoreInPlace as putInPlace,
  type RestorePlan,
} from "../restore/index.ts";
import type { BackupHead, BackupReader, Entry } from "../vault/index.ts";
import { backup } from "./backup.ts";
import { findToRestore } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { outsideLease } from "./program-places.ts";
import { avoidedBy, RESERVED_COMPONENT } from "./plan-components.ts";
import { logicalPath } from "./restore.ts";
import { runOther, undoOthers } from "./restore-others.ts";
import { restoreTargets, type Targets } from "./restore-targets.ts";
import { settleRestore } from "./settle-restore.ts";
import { guardOf, underLease, type HeavyOptions } from "./under-lease.ts";

export interface InPlaceOptions extends HeavyOptions {
  readonly components?: readonly string[];
  /** gitignore patterns over `component/path`: these alone are put in place, and nothing is taken away. */
  readonly paths?: readonly string[];
  readonly owner?: "recorded" | "current";
  /** Goes over the refusals that can be gone over; each is named in the result. */
  readonly force?: boolean;
  /** No backup of what is there now. */
  readonly noSafety?: boolean;
  /** The runtime is neither stopped nor started: it is down already. */
  readonly noRestart?: boolean;
  /** Write over the content of files that are mount points. */
  readonly inPlace?: boolean;
  /** Databases through SQLite's backup API, into files that are in use. */
  readonly online?: boolean;
  readonly onPhase?: (phase: string) => void;
  readonly onBytes?: (bytes: number) => void;
}

export interface InPlaceReport extends InPlaceResult {
  readonly head: BackupHead;
  /** What became of the runtime. */
  readonly runtime: "none declared" | "left alone" | "stopped and started";
}

/** What a restore in place would do. Changes nothing. */
export async function planInPlace(
  instance: Instance,
  reference: string,
  options: InPlaceOptions,
): Promise<{ readonly head: BackupHead; readonly plan: RestorePlan }> {
  await using vault = await instance.openVault();
  const { head, warnings: passed } = await findToRestore(vault, reference);
  await using reader = await vault.open(head.id);
  const targets = await targetsOf(instance, reader, options, passed);
  const plan = await planWith(instance, reader, targets, options);
  if (options.online === true) return { head, plan };
  const { held, unknown } = reportHolders(holderTargets(plan));
  const stops = instance.config.runtime !== null && options.noRestart !== true;
  const refusals = held === null || stops ? [] : [{ component: null, reason: held, hint: HELD_HINT, overridable: true }];
  const warnings = unknown === null ? [] : [unknown];
  return { head, plan: { ...plan, refusals: [...plan.refusals, ...refusals], warnings: [...plan.warnings, ...warnings] } };
}

/** Puts a backup in the place of what is live, or leaves everything as it was. */
export async function restoreInPlace(instance: Instance, reference: string, options: InPlaceOptions): Promise<InPlaceReport> {
  const claim = { owner: "restore", reason: `restore of ${reference}`, overReservation: true };
  return await underLease(instance, claim, options, (lease) => restoreUnder(instance, reference, options, lease));
}

async function restoreUnder(instance: Instance, reference: string, options: InPlaceOptions, lease: Lease): Promise<InPlaceReport> {
  const { config } = instance;
  await settleRestore(instance, { lease });
  await using vault = await instance.openVault();
  const { head, warnings: passed } = await findToRestore(vault, reference);
  await using reader = await vault.open(head.id);
  const targets = await targetsOf(instance, reader, options, passed);
  if (options.online === true) refuseOffline(targets);
  const live = targets.targets.filter(({ path, command }) => command !== null || (path !== null && lstatAt(path) !== undefined));
  const result = await putInPlace({
    reader,
    plan: () => planWith(instance, reader, targets, options),
    stateDir: config.stateDir,
    owner: options.owner ?? "recorded",
    select: selection(options.paths),
    force: options.force === true,
    runtime: options.noRestart === true || options.online === true ? null : config.runtime,
    programs: outsideLease(instance),
    takeSafety:
      options.noSafety === true || live.length === 0
        ? null
        : () =>
            takeSafety(
              instance,
              live.map(({ component }) => component),
              lease,
              options.signal,
            ),
    runOther: (component, staged) => runOther(instance, lease, targets.targets, component, staged),
    undoOthers: (components, safety) => undoOthers(instance, lease, targets.targets, components, safety),
    now: () => instance.clock.now(),
    guard: guardOf(lease),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onPhase: (phase) => {
      lease.progress({ doing: phase });
      options.onPhase?.(phase);
    },
    ...(options.onBytes === undefined ? {} : { onBytes: options.onBytes }),
  });
  const runtime =
    config.runtime === null
      ? "none declared"
      : options.noRestart === true || options.online === true
        ? "left alone"
        : "stopped and started";
  return { ...result, head, runtime };
}

async function targetsOf(
  instance: Instance,
  reader: BackupReader,
  { components }: InPlaceOptions,
  warnings: readonly string[],
): Promise<Targets> {
  const targets = await restoreTargets(instance, reader, components);
  return { ...targets, warnings: [...warnings, ...targets.warnings] };
}

async function planWith(instance: Instance, reader: BackupReader, targets: Targets, options: InPlaceOptions): Promise<RestorePlan> {
  const select = selection(options.paths);
  const plan = await planRestore({
    reader,
    targets: targets.targets,
    places: targets.places,
    avoid: avoidedBy(instance),
    online: options.online === true,
    inPlace: options.inPlace === true,
    force: options.force === true,
    ...(select === null ? {} : { select }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return { ...plan, warnings: [...targets.warnings, ...plan.warnings], refusals: [...targets.refusals, ...plan.refusals] };
}

function selection(paths: readonly string[] | undefined): ((entry: Entry) => boolean) | null {
  if (paths === undefined) return null;
  const globs = ignore({ ignorecase: false }).add([...paths]);
  return (entry) => globs.ignores(logicalPath(entry));
}

function refuseOffline({ targets }: Targets): void {
  const other = targets.find(({ source, salvaged }) => source !== "sqlite" || salvaged !== null);
  if (other !== undefined)
    throw new UsageError("USAGE", `--online writes into live databases, and "${other.component}" is none`, {
      hint: "Name the databases with --component, or leave --online out",
    });
}

async function takeSafety(
  instance: Instance,
  components: readonly string[],
  lease: Lease,
  signal?: AbortSignal,
): Promise<{ id: string; schemaVersion: number | null }> {
  const { head } = await backup(instance, {
    components: components.filter((name) => name !== RESERVED_COMPONENT),
    trigger: "pre-restore",
    salvage: true,
    lease,
    ...(signal === undefined ? {} : { signal }),
  });
  return { id: head.id, schemaVersion: head.manifest.db_schema_version };
}
