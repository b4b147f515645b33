import { ConflictError } from "../kernel/index.ts";
import type { Lease } from "../lease/index.ts";
import { OpenJournal, readJournal, settle, stagedOther, type RestoreJournal, type Settled } from "../restore/index.ts";
import type { Instance } from "./instance.ts";
import { runOther, undoOthers } from "./restore-others.ts";
import { liveTargets } from "./restore-targets.ts";
import { guardOf, underLease, type HeavyOptions } from "./under-lease.ts";

const SETTLEMENT = "settlement";

/** A restore that runs or was cut off; null when there is none. */
export function pendingRestore({ config }: Instance): RestoreJournal | null {
  return readJournal(config.stateDir);
}

/** A restore that another process is at; null as well for one that was cut off, and for whoever ends that. */
export async function runningRestore(instance: Instance): Promise<{ readonly startsRuntime: boolean } | null> {
  await using keeper = instance.openLease();
  const view = await keeper.inspect();
  if (view?.state !== "held" || view.owner !== "restore" || view.reason === SETTLEMENT) return null;
  const journal = pendingRestore(instance);
  // Without a journal nothing live is half-way: not yet, or no longer when what was there before is started again.
  return { startsRuntime: journal === null || journal.starting === true };
}

/**
 * Ends a restore that a crash cut off; every operation that changes anything calls it first.
 *
 * @throws BusyError RESTORE_RUNNING · ConflictError RESTORE_UNSETTLED when a person must choose
 */
export async function settleRestore(
  instance: Instance,
  options: HeavyOptions & { readonly choice?: "old" | "new" } = {},
): Promise<Settled | null> {
  if (pendingRestore(instance) === null) return null;
  const claim = { owner: "restore", reason: SETTLEMENT, overReservation: true };
  return await underLease(instance, claim, options, (lease) => settleUnder(instance, lease, options.choice));
}

async function settleUnder(instance: Instance, lease: Lease, choice: "old" | "new" | undefined): Promise<Settled | null> {
  const { config, clock } = instance;
  using open = OpenJournal.open(config.stateDir);
  if (open.pending === null) return null;
  const targets = await liveTargets(instance);
  const settled = await settle(open, {
    now: clock.now(),
    guard: guardOf(lease),
    ...(choice === undefined ? {} : { choice }),
    others: {
      run: async ({ id, kind, others, safety }) => {
        if (kind === "undo" && safety !== null) return await undoOthers(instance, lease, targets, others, safety);
        for (const other of others) await runOther(instance, lease, targets, other, stagedOther(config.stateDir, id, other.component));
      },
      undo: async ({ others, safety }) => {
        const begun = others.filter(({ state }) => state !== "waiting");
        if (safety !== null) return await undoOthers(instance, lease, targets, begun, safety);
        throw new ConflictError(
          "RESTORE_UNSETTLED",
          "The restore was cut off while a restore command ran, and there is no safety backup to undo it from",
          {
            hint: "Run it again from what is staged: holdfast restore --settle new",
          },
        );
      },
    },
  });
  instance.remark(
    `A restore of ${settled.backup} that was cut off is settled: ${settled.outcome === "old" ? "everything is as it was before it" : "everything is as the backup says"}`,
  );
  return settled;
}
