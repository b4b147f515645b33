import { randomBytes } from "node:crypto";
import { join, relative } from "node:path";
import { InternalError, lstatAt, NotFoundError, type Guard, type ProgramPlace } from "../kernel/index.ts";
import { SIDECARS } from "../sources/index.ts";
import {
  clearAway,
  folderStateOf,
  keepRestore,
  keptRestores,
  OpenJournal,
  placesBeside,
  setMarkers,
  type JournaledFolder,
  type KeptRestore,
} from "./journal/index.ts";
import type { Runtime } from "./runtime/index.ts";
import { swapUnderRuntime, type SwapResult, type Unprinted } from "./swap-under-runtime.ts";

export interface UndoRequest {
  readonly kept: KeptRestore;
  readonly stateDir: string;
  readonly force: boolean;
  readonly runtime: Runtime | null;
  /** Where the commands of the runtime run. */
  readonly programs: ProgramPlace;
  /** Puts back what is no file; null when there is nothing of that sort. */
  readonly undoOthers: (() => Promise<void>) | null;
  /** Runs the swap, and the way back, or refuses them. */
  readonly guard: Guard;
  readonly now: () => number;
  readonly signal?: AbortSignal;
  readonly onPhase: (phase: string) => void;
}

export interface UndoResult extends SwapResult {
  readonly id: string;
  readonly warnings: readonly string[];
}

/**
 * The restore that a reference names: its own id, its backup's, or the newest.
 *
 * @throws NotFoundError NOTHING_TO_UNDO
 */
export function findKept(stateDir: string, reference: string | undefined): KeptRestore {
  const all = keptRestores(stateDir);
  const found = all.find(({ id, backup, outcome }) =>
    reference === undefined ? outcome === "done" : id.startsWith(reference) || backup.startsWith(reference),
  );
  if (found?.outcome === "done" && found.kind === "restore") return found;
  const why =
    found === undefined
      ? reference === undefined
        ? "No restore was done that could be undone"
        : `No restore of "${reference}" is there to undo`
      : found.kind === "undo"
        ? `The newest restore, of "${found.backup}", was undone already`
        : `The restore of "${found.backup}" was ${found.outcome === "undone" ? "undone" : "settled"} already`;
  throw new NotFoundError("NOTHING_TO_UNDO", why, {
    hint: "Old sets are kept for seven days and until the next restore of the same component; a pre-restore backup may still be there: holdfast backup list",
  });
}

/** Swaps the old set itself back in. What the restore had put there, with what was written since, is kept beside it. */
export async function undoRestore(request: UndoRequest): Promise<UndoResult> {
  const { stateDir, kept, now } = request;
  using open = OpenJournal.open(stateDir);
  if (open.pending !== null) throw new InternalError("An earlier restore is not settled");
  const id = `${new Date(now()).toISOString().slice(0, 19).replaceAll(":", "-")}-${randomBytes(3).toString("hex")}`;
  const warnings: string[] = [];
  open.begin({
    ...kept,
    id,
    kind: "undo",
    started_at: new Date(now()).toISOString(),
    phase: "staging",
    starting: false,
    towards: "new",
    moves: [],
    folders: [],
    others: kept.others.map((other) => ({ ...other, state: "waiting" as const })),
  });
  setMarkers(open.current);
  const result = await swapUnderRuntime({
    ...request,
    open,
    targets: kept.moves.map(({ live }) => ({
      path: live,
      sort: lstatAt(live)?.isDirectory() === true ? ("tree" as const) : ("file" as const),
    })),
    others: request.undoOthers === null ? null : { run: request.undoOthers, undo: async () => {} },
    outcome: "undone",
    signal: request.signal,
    onWarning: (text) => void warnings.push(text),
    prepare: async () => ({ moves: backMoves(kept, id), folders: backFolders(kept) }),
  });
  keepRestore(stateDir, { ...kept, outcome: "undone" });
  // Its sets are back where they were; only the folders that held them are left.
  clearAway(kept, { old: false, staged: false });
  return { id, warnings, ...result };
}

/** The same places the other way round, as they are now: a database that ran since has sidecars that it had not then. */
function backMoves({ moves, id: done }: KeptRestore, id: string): Unprinted[] {
  const back: Unprinted[] = [];
  const known = new Set(moves.map(({ live }) => live));
  for (const move of moves.toReversed()) {
    const { component, how, live, going: coming } = move;
    const away = awayOf(move, done, id);
    const there = lstatAt(live);
    if (there === undefined && coming === null) continue;
    back.push({ component, how, live, going: there === undefined ? null : away, coming });
    if (there?.isFile() !== true || how !== "rename") continue;
    for (const suffix of SIDECARS) {
      const sidecar = `${live}${suffix}`;
      if (known.has(sidecar) || lstatAt(sidecar) === undefined) continue;
      known.add(sidecar);
      back.push({ component, how: "rename", live: sidecar, going: `${away}${suffix}`, coming: null });
    }
  }
  return back;
}

/** Where what the restore had put there goes: in the layout that its old set has. */
function awayOf({ going, coming, live }: KeptRestore["moves"][number], done: string, id: string): string {
  const at = coming ?? going;
  if (at === null) throw new InternalError(`A move of "${live}" has neither side`);
  const mark = `.holdfast-${coming === null ? "old" : "new"}-${done}`;
  const cut = at.indexOf(`/${mark}/`);
  const beside = at.slice(0, cut);
  return join(placesBeside(beside, id).going, relative(join(beside, mark), at));
}

function backFolders({ folders }: KeptRestore): JournaledFolder[] {
  return folders.flatMap(({ component, live, before: after }) => {
    const before = folderStateOf(live);
    return before === null ? [] : [{ component, live, before, after }];
  });
}
