import { takeBackup, type BackupOutcome, type BackupProgress, type ComponentPlan } from "../backup/index.ts";
import { addHint, HoldfastError, makeFolder, namedSystemError, UsageError } from "../kernel/index.ts";
import { describeDecision } from "../retention/index.ts";
import type { Lease, LeaseProgress } from "../lease/index.ts";
import { TRIGGERS, type Trigger, type Vault } from "../vault/index.ts";
import { recordEnded, recordFailure, saysSomething } from "./failed-backup.ts";
import { outcomeOf, runAfter, runBefore } from "./hooks.ts";
import type { Instance } from "./instance.ts";
import { backupFailed, backupTaken, notify } from "./notify/index.ts";
import { avoidedBy, chosenNames, planComponents, reservedComponent } from "./plan-components.ts";
import { insideLease, outsideLease } from "./program-places.ts";
import { makeRoom, pruneBehind } from "./prune.ts";
import { settleRestore } from "./settle-restore.ts";
import { guardOf, underLease, type HeavyOptions } from "./under-lease.ts";

export interface BackupOptions extends HeavyOptions {
  /** Names; the configuration's `backup.include` unless given. */
  readonly components?: readonly string[];
  readonly trigger?: Trigger;
  readonly tags?: readonly string[];
  /** Before a restore: keeps what it can of a state that may be broken, and is no sign of how backups go. */
  readonly salvage?: boolean;
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly onBegin?: (id: string) => void;
}

const TAG = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/**
 * Takes a backup of the chosen components, runs the hooks around it, and tells whoever asked to be told.
 *
 * @throws HoldfastError of kind capture when a critical component cannot be captured: then nothing is stored
 */
export async function backup(instance: Instance, options: BackupOptions = {}): Promise<BackupOutcome> {
  const trigger = options.trigger ?? "manual";
  if (!TRIGGERS.includes(trigger)) throw new UsageError("USAGE", `Unknown trigger "${trigger}"`, { hint: `One of ${TRIGGERS.join(", ")}` });
  for (const tag of options.tags ?? []) {
    if (!TAG.test(tag))
      throw new UsageError("USAGE", `Not a tag: ${JSON.stringify(tag)}`, { hint: "Up to 64 letters, digits and . _ : -" });
  }
  chosenNames(instance, options.components);
  const take = async (): Promise<BackupOutcome> => {
    let begun = false;
    try {
      return await underLease(instance, { owner: "backup", reason: trigger }, options, (lease) => {
        begun = true;
        return backupUnder(instance, trigger, { ...options, lease });
      });
    } catch (error) {
      // Without a lease, as on a full disk, there is no backup either.
      if (!begun && options.salvage !== true) recordFailure(instance, trigger, namedSystemError(error, "take a backup"));
      throw error;
    }
  };
  return options.salvage === true ? await take() : await told(instance, trigger, take, options.signal);
}

/** After the lease is released: nobody waits for an endpoint but this process, and not longer than its timeout. */
async function told(
  instance: Instance,
  trigger: Trigger,
  take: () => Promise<BackupOutcome>,
  signal: AbortSignal | undefined,
): Promise<BackupOutcome> {
  let outcome: BackupOutcome;
  try {
    outcome = await take();
  } catch (error) {
    const failure = namedSystemError(error, "take a backup");
    if (signal?.aborted !== true && saysSomething(failure)) {
      for (const problem of await notify(instance, backupFailed(trigger, failure), signal)) instance.remark(`Not told: ${problem}`);
    }
    throw failure;
  }
  const problems = await notify(instance, backupTaken(outcome), signal);
  return problems.length === 0 ? outcome : { ...outcome, notes: [...outcome.notes, ...problems.map((problem) => `not told: ${problem}`)] };
}

type LeasedOptions = BackupOptions & { readonly lease: Lease };

async function backupUnder(instance: Instance, trigger: Trigger, options: LeasedOptions): Promise<BackupOutcome> {
  const { config } = instance;
  // A restore takes its own; everything else first ends what a crash left half-done, and never captures it.
  if (options.salvage !== true) await settleRestore(instance, options);
  makeFolder(config.stateDir);
  await using opened = new AsyncDisposableStack();
  let vault: Vault;
  let outcome: BackupOutcome;
  try {
    if (options.salvage !== true) await runBefore(instance, trigger, options.signal);
    const components = await planComponents(instance, options.components);
    vault = opened.use(await instance.openVault({ create: true }));
    outcome = await run(instance, vault, [...components, reservedComponent(config.file)], trigger, options);
  } catch (error) {
    const failure = namedSystemError(error, "take a backup");
    if (options.salvage === true) throw failure;
    recordFailure(instance, trigger, failure);
    const ended = options.signal?.aborted === true ? "interrupted" : outcomeOf(failure);
    const problems = await runAfter(instance, { trigger, outcome: ended, failure });
    throw problems.length === 0 ? failure : addHint(failure, problems.join("; "));
  }
  const notes = [...outcome.notes];
  // The backup is committed: whatever fails from here on must not be told as its failure.
  try {
    if (options.salvage !== true) recordEnded(instance, trigger, { ok: true, id: outcome.head.id, code: null, message: null });
  } catch (error) {
    notes.push(namedSystemError(error, "record that this backup was taken").message);
  }
  if (options.salvage !== true) {
    notes.push(...(await pruneAfter(instance, vault, options.lease)));
    const ended = outcome.status === "complete" && outcome.alarms.length === 0 ? "complete" : "partial";
    notes.push(...(await runAfter(instance, { trigger, id: outcome.head.id, outcome: ended })));
  }
  return { ...outcome, notes };
}

async function pruneAfter(instance: Instance, vault: Vault, lease: Lease): Promise<readonly string[]> {
  try {
    const { decisions, removed, standsDown, notes } = await pruneBehind(instance, vault, lease);
    const gone = new Set(removed);
    return [
      ...decisions.filter(({ id }) => gone.has(id)).map((decision) => `pruned ${decision.id}: ${describeDecision(decision)}`),
      ...(standsDown === null ? [] : [`nothing is pruned: ${standsDown}`]),
      ...notes,
    ];
  } catch (error) {
    return [`nothing is pruned: ${namedSystemError(error, "apply the retention policy").message}`];
  }
}

async function run(
  instance: Instance,
  vault: Vault,
  components: readonly ComponentPlan[],
  trigger: Trigger,
  options: LeasedOptions,
): Promise<BackupOutcome> {
  const { config } = instance;
  const { lease, onProgress } = options;
  const take = (): Promise<BackupOutcome> =>
    takeBackup({
      vault,
      vaultPath: config.backup.path,
      instance: config.name,
      programs: insideLease(instance, lease),
      pauses: outsideLease(instance),
      components,
      trigger,
      salvage: options.salvage === true,
      tags: options.tags ?? [],
      clock: instance.clock,
      avoid: avoidedBy(instance),
      schemaVersion: config.schemaVersion ?? { component: "persistence", query: null },
      wait: options.wait ?? 0,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      guard: guardOf(lease),
      onProgress: (state) => {
        lease.progress(leaseProgress(state));
        onProgress?.(state);
      },
      ...(options.onBegin === undefined ? {} : { onBegin: options.onBegin }),
    });
  try {
    return await take();
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "NO_SPACE") throw error;
    const notes = await makeRoom(instance, vault, guardOf(lease));
    const outcome = await take();
    return { ...outcome, notes: [...notes, ...outcome.notes] };
  }
}

/** What others see of it in `lease status`. */
function leaseProgress({ phase, component, bytes, expected }: BackupProgress): LeaseProgress {
  const doing = component === null ? phase : `${phase} ${component}`;
  return { doing, progress: expected === null || expected === 0 ? null : Math.min(1, bytes / expected) };
}
