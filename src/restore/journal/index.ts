/**
 * What was begun and how it ends: one journal per instance, written before the first rename, from which all old or all
 * new can be had at any instruction. Knows nothing of backups and runtimes.
 */
export { folderStateOf } from "./folder-state.ts";
export {
  journalFolder,
  OpenJournal,
  readJournal,
  type JournaledFolder,
  type JournaledMove,
  type JournaledOther,
  type RestoreJournal,
} from "./journal.ts";
export { placesBeside } from "./kept-names.ts";
export { dropOutlived, keepRestore, keptRestores, type KeptRestore } from "./kept-restores.ts";
export { printOf } from "./set-print.ts";
export { settle, type Settled } from "./settle.ts";
export { clearAway, setMarkers, swapBack, swapForward } from "./swap.ts";
