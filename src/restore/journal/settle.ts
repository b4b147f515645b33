import { ConflictError, type Guard } from "../../kernel/index.ts";
import type { OpenJournal, RestoreJournal } from "./journal.ts";
import { keepRestore } from "./kept-restores.ts";
import { clearAway, lookAtSwap, swapBack, swapForward } from "./swap.ts";

export interface SettleRequest {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly choice?: "old" | "new";
  readonly guard: Guard;
  /** For components that are no files: gives them their staged dump again, or what the safety backup kept. */
  readonly others: { run(journal: RestoreJournal): Promise<void>; undo(journal: RestoreJournal): Promise<void> };
}

export interface Settled {
  readonly id: string;
  readonly backup: string;
  readonly outcome: "old" | "new";
  /** Live places that the runtime had written to in between; both sets are kept then. */
  readonly touched: readonly string[];
}

/**
 * Ends a restore that a crash cut off: all old, or all new. When the moves were cut off half-way and the runtime has
 * written to what it found, either way loses something that somebody may want: both sets are kept, and a person says which.
 *
 * @throws ConflictError RESTORE_UNSETTLED when it takes a person to say
 */
export async function settle(open: OpenJournal, { now, choice, guard, others }: SettleRequest): Promise<Settled> {
  const journal = open.current;
  const { state, touched } = await lookAtSwap(journal);
  const waiting = journal.others.some(({ state: reached }) => reached !== "done");
  const begun = journal.others.some(({ state: reached }) => reached !== "waiting");
  if (state === "mixed" && touched.length > 0 && choice === undefined) throw unsettled(journal, touched);
  // Files that are all new beside a command that never ran are half of a set.
  const outcome = choice ?? (state === "new" && !waiting ? journal.towards : "old");
  const keptBoth = state === "mixed" && touched.length > 0;
  if (outcome === "new") {
    if (journal.phase === "staging" || journal.phase === "stopping") throw notStaged(journal);
    await guard("swap of a restore", () => swapForward(journal));
    // Renames can be told from what lies where; whether a command was half-way nobody can tell, so that it runs again.
    if (waiting) await others.run(journal);
    keepRestore(open.stateDir, { ...journal, phase: "swapped", outcome: "done", ended_at: new Date(now).toISOString() });
    clearAway(journal, { old: true, staged: false });
  } else {
    if (begun) await others.undo(journal);
    await guard("way back of a restore", () => swapBack(journal));
    if (keptBoth || choice === "old") keepRestore(open.stateDir, { ...journal, outcome: "settled", ended_at: new Date(now).toISOString() });
    clearAway(journal, { old: false, staged: keptBoth || choice === "old" });
  }
  open.close();
  return { id: journal.id, backup: journal.backup, outcome, touched };
}

function unsettled({ id, backup, beside }: RestoreJournal, touched: readonly string[]): ConflictError {
  return new ConflictError(
    "RESTORE_UNSETTLED",
    `The restore of "${backup}" was cut off half-way, and something has written since to ${touched.map((path) => `"${path}"`).join(", ")}`,
    {
      hint: "Stop the runtime, then choose: holdfast restore --settle old, or holdfast restore --settle new; nothing is thrown away either way",
      details: { id, touched, beside },
    },
  );
}

function notStaged({ backup }: RestoreJournal): ConflictError {
  return new ConflictError(
    "RESTORE_UNSETTLED",
    `The restore of "${backup}" was cut off before anything was in place: there is no new state`,
    {
      hint: "Settle it with: holdfast restore --settle old, and restore again",
    },
  );
}
