/**
 * Puts a backup back: into another folder, where nothing live is touched, or in the place of what is live.
 * - Whatever is written is compared with its recorded hash, first to last byte, before it takes a live place.
 * - In place is a list of renames from a journal: all old or all new after a crash at any instruction, once settled.
 * - What was there before stays beside its place until the next restore of it, or for seven days.
 * - Takes no backup, reads no configuration and chooses no targets: those are handed in.
 */
export {
  dropOutlived,
  keptRestores,
  OpenJournal,
  readJournal,
  settle,
  type KeptRestore,
  type RestoreJournal,
  type Settled,
} from "./journal/index.ts";
export { planRestore, type PlannedComponent, type Refusal, type RestorePlan, type RestoreTarget, type TargetRules } from "./plan/index.ts";
export { HELD_HINT, reportHolders } from "./refuse-holders.ts";
export { holderTargets, restoreInPlace, type InPlaceRequest, type InPlaceResult } from "./restore-in-place.ts";
export { restoreTo, type RestoredTo, type RestoreToRequest } from "./restore-to.ts";
export { stagedOther } from "./staging.ts";
export { unfinishedIn } from "./target-folder.ts";
export { findKept, undoRestore, type UndoRequest, type UndoResult } from "./undo.ts";
export { awaitHealth } from "./runtime/index.ts";
export { writeOnline } from "./write-online.ts";
