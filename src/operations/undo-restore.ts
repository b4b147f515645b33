import { NotFoundError } from "../kernel/index.ts";
import type { Lease } from "../lease/index.ts";
import { findKept, undoRestore as putBack, type KeptRestore, type UndoResult } from "../restore/index.ts";
import type { Instance } from "./instance.ts";
import { outsideLease } from "./program-places.ts";
import { undoOthers } from "./restore-others.ts";
import { liveTargets } from "./restore-targets.ts";
import { settleRestore } from "./settle-restore.ts";
import { guardOf, underLease, type HeavyOptions } from "./under-lease.ts";

export interface UndoOptions extends HeavyOptions {
  readonly force?: boolean;
  readonly noRestart?: boolean;
  readonly onPhase?: (phase: string) => void;
}

export interface UndoReport extends UndoResult {
  /** The restore that was undone. */
  readonly undone: KeptRestore;
}

/** The restore that an undo would undo. */
export async function findUndo(instance: Instance, reference: string | undefined): Promise<KeptRestore> {
  try {
    return findKept(instance.config.stateDir, reference);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    await using vault = await instance.openVault();
    const safety = (await vault.list()).backups.find(({ manifest }) => manifest.trigger === "pre-restore");
    if (safety === undefined) throw error;
    throw new NotFoundError("NOTHING_TO_UNDO", error.message, {
      cause: error,
      hint: `The old sets are gone, and the backup taken before the last restore is there: holdfast restore ${safety.id}. What was written between that backup and the restore is not in it`,
    });
  }
}

/** Puts back the old set itself, which lies beside the targets since the restore. */
export async function undoRestore(instance: Instance, reference: string | undefined, options: UndoOptions = {}): Promise<UndoReport> {
  const claim = { owner: "restore", reason: "undo", overReservation: true };
  return await underLease(instance, claim, options, (lease) => undoUnder(instance, reference, options, lease));
}

async function undoUnder(instance: Instance, reference: string | undefined, options: UndoOptions, lease: Lease): Promise<UndoReport> {
  const { config, clock } = instance;
  await settleRestore(instance, { lease });
  const undone = await findUndo(instance, reference);
  const targets = await liveTargets(instance);
  const { others, safety } = undone;
  const result = await putBack({
    kept: undone,
    stateDir: config.stateDir,
    force: options.force === true,
    runtime: options.noRestart === true ? null : config.runtime,
    programs: outsideLease(instance),
    now: () => clock.now(),
    guard: guardOf(lease),
    undoOthers: others.length === 0 || safety === null ? null : () => undoOthers(instance, lease, targets, others, safety),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onPhase: (phase) => {
      lease.progress({ doing: phase });
      options.onPhase?.(phase);
    },
  });
  return { ...result, undone };
}
