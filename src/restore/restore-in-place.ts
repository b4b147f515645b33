import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, openSync, fsyncSync, closeSync } from "node:fs";
import { dirname } from "node:path";
import { ConflictError, crashpoint, InternalError, lstatAt, type Guard, type ProgramPlace } from "../kernel/index.ts";
import type { BackupReader, Entry } from "../vault/index.ts";
import { checkStaged, type StagedCheck } from "./check-staged.ts";
import { dropOutlived, folderStateOf, type JournaledFolder, type JournaledOther, OpenJournal, setMarkers } from "./journal/index.ts";
import type { PlannedComponent, PlannedFolder, PlannedMove, RestorePlan } from "./plan/index.ts";
import { refuseHolders } from "./refuse-holders.ts";
import type { Runtime } from "./runtime/index.ts";
import { checkSpace, comingPlace, foldersBeside, goingPlace, stage, type StagedFile, stagedOther } from "./staging.ts";
import { abandon, swapUnderRuntime, type SwapRequest, type SwapResult, type Unprinted } from "./swap-under-runtime.ts";

export interface SafetyBackup {
  readonly id: string;
  /** Of the live database, as it was found. */
  readonly schemaVersion: number | null;
}

export interface InPlaceRequest {
  readonly reader: BackupReader;
  /** Looks again at what is there: once before anything is staged, once when the runtime is down. */
  readonly plan: () => Promise<RestorePlan>;
  readonly stateDir: string;
  readonly owner: "recorded" | "current";
  /** What of the planned components is wanted; everything when null. */
  readonly select: ((entry: Entry) => boolean) | null;
  readonly force: boolean;
  /** null: nothing is stopped and started. */
  readonly runtime: Runtime | null;
  /** Where the commands of the runtime run. */
  readonly programs: ProgramPlace;
  /** Keeps what is there now; null: nothing is kept but the old set itself. */
  readonly takeSafety: (() => Promise<SafetyBackup>) | null;
  /** Runs a command component or writes a live database, from its staged file. */
  readonly runOther: (component: PlannedComponent, staged: string) => Promise<void>;
  /** Puts components that are no files back to what the safety backup says. */
  readonly undoOthers: (components: readonly PlannedComponent[], safety: string) => Promise<void>;
  /** Runs the swap, and the way back, or refuses them. */
  readonly guard: Guard;
  readonly now: () => number;
  readonly signal?: AbortSignal;
  readonly onPhase: (phase: string) => void;
  readonly onBytes?: (bytes: number) => void;
}

export interface InPlaceResult extends SwapResult {
  /** Of this restore; `restore --undo` takes it. */
  readonly id: string;
  readonly plan: RestorePlan;
  readonly safety: string | null;
  readonly checks: readonly StagedCheck[];
  readonly warnings: readonly string[];
  /** Entries and bytes that were staged. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Puts a backup in the place of what is live: staged and proved beside it, swapped by renames from a journal, undone by
 * itself when anything fails. Crash at any instruction: all old or all new, once settled.
 *
 * @throws BusyError RESTORE_RUNNING · ConflictError RESTORE_REFUSED, TARGET_HELD · DamageError · HostError NO_SPACE, HEALTH_FAILED …
 */
export async function restoreInPlace(request: InPlaceRequest): Promise<InPlaceResult> {
  const { stateDir, reader, signal, force, onPhase } = request;
  using open = OpenJournal.open(stateDir);
  if (open.pending !== null) throw new InternalError("An earlier restore is not settled");
  onPhase("plan");
  const plan = await request.plan();
  refuse(plan, force);
  checkSpace(plan, stateDir);
  const warnings = [...plan.warnings, ...plan.refusals.map(({ reason }) => `${reason}; gone over by --force`)];
  const targets = holderTargets(plan);
  if (request.runtime === null) refuseHolders(targets, force, (text) => void warnings.push(text));
  const id = `${new Date(request.now()).toISOString().slice(0, 19).replaceAll(":", "-")}-${randomBytes(3).toString("hex")}`;
  const beside = foldersBeside(plan, stateDir);
  open.begin({
    version: "1",
    id,
    kind: "restore",
    backup: plan.backup,
    safety: null,
    started_at: new Date(request.now()).toISOString(),
    phase: "staging",
    towards: "new",
    beside,
    moves: [],
    folders: [],
    others: plan.components.flatMap(({ component, how }) => (how === "rename" ? [] : [{ component, how, state: "waiting" as const }])),
  });
  crashpoint("in-place-claimed");
  let files: StagedFile[];
  let checks: StagedCheck[];
  let safety: SafetyBackup | null = null;
  let bytes = 0;
  try {
    setMarkers(open.current);
    onPhase("stage");
    files = await stage({
      plan,
      reader,
      id,
      stateDir,
      owner: request.owner,
      select: request.select,
      ...(signal === undefined ? {} : { signal }),
      onBytes: (more) => {
        bytes += more;
        request.onBytes?.(more);
      },
    });
    onPhase("check");
    checks = await checkStaged(files);
    refuseDamage(checks, force, warnings);
    crashpoint("in-place-staged");
    if (request.takeSafety !== null) {
      onPhase("safety backup");
      safety = await request.takeSafety();
      open.write({ safety: safety.id });
    }
    refuseNewer(reader, safety, force, warnings);
    crashpoint("in-place-safe");
  } catch (error) {
    throw abandon(open, error);
  }
  const others = plan.components.filter(({ how }) => how !== "rename");
  const done = await swapUnderRuntime({
    ...request,
    open,
    targets,
    outcome: "done",
    signal,
    onWarning: (text) => void (warnings.includes(text) || warnings.push(text)),
    prepare: async () => {
      const again = await request.plan();
      refuse(again, force);
      if (foldersBeside(again, stateDir).some((folder) => !beside.includes(folder)))
        throw new ConflictError("RESTORE_REFUSED", "Folders were mounted or moved below a target while the restore was prepared", {
          hint: "Nothing was changed; run it again",
        });
      return {
        moves: journaledMoves(again, id),
        folders: journaledFolders(
          again.components.flatMap(({ folders }) => folders),
          request.owner,
        ),
      };
    },
    others: others.length === 0 ? null : othersOf(others, request, open, safety),
  });
  // A few paths are no restore of their component: what an earlier whole one had replaced is still the way back from it.
  const replaced = request.select === null ? { by: id, components: new Set(plan.components.map(({ component }) => component)) } : null;
  dropOutlived(stateDir, request.now(), replaced);
  return { id, plan, safety: safety?.id ?? null, checks, warnings, files: files.length, bytes, ...done };
}

/** @throws ConflictError RESTORE_REFUSED */
export function refuse(plan: RestorePlan, force: boolean): void {
  const standing = plan.refusals.filter(({ overridable }) => !(force && overridable));
  const [first] = standing;
  if (first === undefined) {
    if (plan.components.length > 0) return;
    throw new ConflictError("RESTORE_REFUSED", "Nothing of the backup was chosen", { hint: "Look what it holds: holdfast ls ID" });
  }
  const others = standing.length === 1 ? "" : ` (and ${standing.length - 1} more: see --dry-run)`;
  throw new ConflictError("RESTORE_REFUSED", `${first.component === null ? "" : `${first.component}: `}${first.reason}${others}`, {
    hint: `${first.hint}; nothing was changed`,
    details: { refusals: standing },
  });
}

function refuseDamage(checks: readonly StagedCheck[], force: boolean, warnings: string[]): void {
  const damaged = checks.filter((check) => check.damaged);
  const [first] = damaged;
  if (first === undefined) return;
  const text = `"${first.name}" is damaged as it was captured: ${first.complaint ?? ""}`;
  if (!force)
    throw new ConflictError("RESTORE_REFUSED", text, {
      hint: "Restore an older backup, leave this component out, or add --force to put it in place all the same; nothing was changed",
      details: { damaged },
    });
  warnings.push(`${text}; gone over by --force`);
}

/** A state whose schema its application does not know yet cannot be read by it; the way back is to update it first. */
function refuseNewer(reader: BackupReader, safety: SafetyBackup | null, force: boolean, warnings: string[]): void {
  const theirs = reader.head.manifest.db_schema_version;
  const ours = safety?.schemaVersion ?? null;
  if (theirs === null || ours === null || ours === 0 || theirs <= ours) return;
  const text = `The backup has schema version ${theirs}, and what is live has ${ours}`;
  if (!force)
    throw new ConflictError("RESTORE_REFUSED", text, {
      hint: "Update the application first, or add --force when it is newer than its state; nothing was changed",
    });
  warnings.push(`${text}; gone over by --force`);
}

export function holderTargets(plan: RestorePlan): SwapRequest["targets"] {
  return plan.components.flatMap(({ how, moves, target }): { path: string; sort: "file" | "tree" }[] => {
    if (how !== "rename" || moves.length === 0) return [];
    return lstatAt(target)?.isDirectory() === true
      ? [{ path: target, sort: "tree" }]
      : moves.map(({ live }) => ({ path: live, sort: "file" }));
  });
}

function journaledMoves(plan: RestorePlan, id: string): Unprinted[] {
  return plan.components.flatMap((one) => one.moves.map((move) => journaled(move, one, id)));
}

function journaled(move: PlannedMove, one: PlannedComponent, id: string): Unprinted {
  const { component, how, live, entry, beside, takesAway } = move;
  const going = takesAway ? goingPlace(move, one, id) : null;
  const coming = entry === null ? null : comingPlace(beside, id, component, entry);
  if (how === "content" && going !== null) copyAside(live, going);
  return { component, how, live, going, coming };
}

/** What is written over in place is kept as a copy, on disk before the first byte is changed. */
function copyAside(live: string, going: string): void {
  mkdirSync(dirname(going), { recursive: true, mode: 0o700 });
  copyFileSync(live, going);
  const descriptor = openSync(going, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function journaledFolders(folders: readonly PlannedFolder[], owner: "recorded" | "current"): JournaledFolder[] {
  return folders.flatMap(({ component, live, entry }) => {
    const before = folderStateOf(live);
    if (before === null) return [];
    const after = {
      mode: entry.mode & 0o3777,
      uid: owner === "recorded" ? entry.uid : before.uid,
      gid: owner === "recorded" ? entry.gid : before.gid,
      mtime_ns: entry.mtime_ns,
    };
    return [{ component, live, before, after }];
  });
}

function othersOf(
  others: readonly PlannedComponent[],
  { runOther, undoOthers, onPhase }: InPlaceRequest,
  open: OpenJournal,
  safety: SafetyBackup | null,
): NonNullable<SwapRequest["others"]> {
  const note = (component: string, state: JournaledOther["state"]): void =>
    open.write({ others: open.current.others.map((other) => (other.component === component ? { ...other, state } : other)) });
  return {
    run: async () => {
      for (const one of others) {
        onPhase(`restore ${one.component}`);
        note(one.component, "begun");
        crashpoint("in-place-other-begun");
        await runOther(one, stagedOther(open.stateDir, open.current.id, one.component));
        note(one.component, "done");
      }
    },
    undo: async () => {
      const begun = new Set(open.current.others.flatMap(({ component, state }) => (state === "waiting" ? [] : [component])));
      const touched = others.filter(({ component }) => begun.has(component));
      if (touched.length === 0) return;
      if (safety === null)
        throw new ConflictError("RESTORE_REFUSED", `There is no safety backup to put ${[...begun].join(", ")} back from`, {
          hint: "What its restore command did stays; look at it by hand",
        });
      await undoOthers(touched, safety.id);
      for (const { component } of touched) note(component, "waiting");
    },
  };
}
