import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, lstatAt, removeFile, removeTree, replaceFile } from "../../kernel/index.ts";
import { journalFolder, readJournalFile, type RestoreJournal } from "./journal.ts";
import { placesBeside } from "./kept-names.ts";

/** What a restore left behind when it had ended, so that it can be undone and, later, thrown away. */
export interface KeptRestore extends RestoreJournal {
  /**
   * - `done`: the old set lies beside the targets
   * - `undone`: what the restore had put there lies beside them
   * - `settled`: both sets were kept because the runtime had written in between
   */
  readonly outcome: "done" | "undone" | "settled";
  readonly ended_at: string;
}

/** How long an old set stays. Milliseconds. */
export const KEPT_FOR: number = 7 * 24 * 60 * 60 * 1000;

export function keepRestore(stateDir: string, kept: KeptRestore): void {
  replaceFile(pathOf(stateDir, kept.id), `${JSON.stringify(kept, null, 1)}\n`);
}

/** Newest first. */
export function keptRestores(stateDir: string): readonly KeptRestore[] {
  let names: string[];
  try {
    names = readdirSync(journalFolder(stateDir));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
  const found = names.flatMap((name) => {
    if (!/^kept-.*\.json$/.test(name)) return [];
    const kept = readJournalFile(join(journalFolder(stateDir), name)) as KeptRestore | null;
    return kept === null ? [] : [kept];
  });
  return found.toSorted((a, b) => (a.ended_at < b.ended_at ? 1 : -1));
}

/** Throws away the sets of a restore, and forgets it. */
export function dropKept(stateDir: string, kept: KeptRestore): void {
  for (const folder of kept.beside) {
    if (lstatAt(folder) === undefined) continue;
    const { coming, going, stray } = placesBeside(folder, kept.id);
    for (const place of [coming, going, stray]) removeTree(place);
  }
  removeFile(pathOf(stateDir, kept.id));
}

/**
 * What is older than seven days, and what a new restore of the same components has taken the place of.
 *
 * @returns ids that were dropped
 */
export function dropOutlived(
  stateDir: string,
  now: number,
  replaced: { readonly by: string; readonly components: ReadonlySet<string> } | null,
): string[] {
  const dropped: string[] = [];
  for (const kept of keptRestores(stateDir)) {
    if (kept.id === replaced?.by) continue;
    const old = now - Date.parse(kept.ended_at) > KEPT_FOR;
    const outdone = replaced !== null && [...kept.moves, ...kept.others].every(({ component }) => replaced.components.has(component));
    if (!old && !outdone) continue;
    dropKept(stateDir, kept);
    dropped.push(kept.id);
  }
  return dropped;
}

function pathOf(stateDir: string, id: string): string {
  return join(journalFolder(stateDir), `kept-${id}.json`);
}
