import { fsyncSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crashpoint, errnoOf, HeldFolder, lstatAt, removeTree, syncFileSystem, syncFolder } from "../../kernel/index.ts";
import { applyFolders } from "./folder-state.ts";
import type { RestoreJournal } from "./journal.ts";
import { MARKER, placesBeside } from "./kept-names.ts";
import { lookAtMove, moveBack, moveForward } from "./move-files.ts";

export interface SwapSight {
  readonly state: "old" | "new" | "mixed";
  /** Live places that somebody wrote to since the journal was written. */
  readonly touched: readonly string[];
}

/** Compares the targets with the journal. Changes nothing. */
export async function lookAtSwap({ moves, phase }: RestoreJournal): Promise<SwapSight> {
  if (phase === "staging" || phase === "stopping") return { state: "old", touched: [] };
  let before = 0;
  let after = 0;
  const touched: string[] = [];
  for (const move of moves) {
    const sight = await lookAtMove(move);
    if (sight.state === "before") before += 1;
    if (sight.state === "after") after += 1;
    if (sight.touched) touched.push(move.live);
  }
  const state = after === moves.length && (moves.length > 0 || phase === "swapped") ? "new" : before === moves.length ? "old" : "mixed";
  return { state, touched };
}

/** Every move, in order, and then on disk. What was done already is left as it is, so that it can go on after a crash. */
export async function swapForward(journal: RestoreJournal): Promise<void> {
  for (const move of journal.moves) await moveForward(move, journal.id);
  applyFolders(journal.folders, "after");
  await flush(journal);
}

/** Everything as it was, the last move first, and then on disk. */
export async function swapBack(journal: RestoreJournal): Promise<void> {
  for (const move of journal.moves.toReversed()) await moveBack(move, journal.id);
  applyFolders(journal.folders, "before");
  for (const folder of emptied(journal)) removeIfEmpty(folder);
  await flush(journal);
}

async function flush(journal: RestoreJournal): Promise<void> {
  for (const folder of new Set(journal.moves.map(({ live }) => dirname(live)))) if (lstatAt(folder) !== undefined) syncFolder(folder);
  for (const folder of journal.beside) await syncFileSystem(folder);
}

/** Folders that led to nothing before, deepest first: made for what came, and no use without it. */
function emptied({ moves, beside }: RestoreJournal): string[] {
  const found = new Set<string>();
  for (const { live, going } of moves) {
    if (going !== null) continue;
    for (let folder = dirname(live); !beside.includes(folder) && folder !== dirname(folder); folder = dirname(folder)) found.add(folder);
  }
  return [...found].toSorted((a, b) => b.length - a.length);
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY"].includes(errnoOf(error) ?? "")) throw error;
  }
}

/** A file beside every target that says to people and to start scripts: not now. */
export function setMarkers({ beside, id }: RestoreJournal): void {
  for (const folder of beside) {
    using held = HeldFolder.open(folder);
    rmSync(held.at(MARKER), { force: true });
    writeFileSync(
      held.at(MARKER),
      `A restore (${id}) of what lies here has begun and has not ended. Do not start the program that uses it.\nWhen no restore is running, settle it: holdfast restore --settle\n`,
      { mode: 0o644, flag: "wx" },
    );
    fsyncSync(held.descriptor);
  }
}

/** Staged sets and markers go; `keepOld` leaves what was there before for an undo. Safe to repeat. */
export function clearAway(journal: RestoreJournal, keep: { readonly old: boolean; readonly staged: boolean }): void {
  for (const folder of journal.beside) {
    if (lstatAt(folder) === undefined) continue;
    const { coming, going } = placesBeside(folder, journal.id);
    if (!keep.staged) removeTree(coming);
    crashpoint("in-place-clearing");
    if (!keep.old) removeTree(going);
    rmSync(join(folder, MARKER), { force: true });
    syncFolder(folder);
  }
}
