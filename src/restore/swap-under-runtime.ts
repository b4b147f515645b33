import {
  addHint,
  crashpoint,
  HostError,
  messageOf,
  namedSystemError,
  type Guard,
  type HoldfastError,
  type ProgramPlace,
} from "../kernel/index.ts";
import { refuseHolders } from "./refuse-holders.ts";
import {
  clearAway,
  keepRestore,
  printOf,
  swapBack,
  swapForward,
  type JournaledFolder,
  type JournaledMove,
  type OpenJournal,
} from "./journal/index.ts";
import { awaitHealth, startRuntime, stopRuntime, type Runtime } from "./runtime/index.ts";

export interface SwapRequest {
  readonly open: OpenJournal;
  readonly runtime: Runtime | null;
  /** Where the commands of the runtime run. */
  readonly programs: ProgramPlace;
  readonly force: boolean;
  /** Called when the runtime is down: what is there now decides what is moved. */
  readonly prepare: () => Promise<{ readonly moves: readonly Unprinted[]; readonly folders: readonly JournaledFolder[] }>;
  /** Files and trees that nobody else may have open. */
  readonly targets: readonly { readonly path: string; readonly sort: "file" | "tree" }[];
  /** What is no rename: commands and databases in use. After the files, and undone before them. */
  readonly others: { run(): Promise<void>; undo(): Promise<void> } | null;
  readonly outcome: "done" | "undone";
  readonly guard: Guard;
  readonly now: () => number;
  readonly signal: AbortSignal | undefined;
  readonly onPhase: (phase: string) => void;
  readonly onWarning: (text: string) => void;
}

export type Unprinted = Omit<JournaledMove, "goingPrint" | "comingPrint">;

export interface SwapResult {
  /** null: there is no runtime to ask, or it has no health to ask for. */
  readonly health: { readonly healthy: boolean; readonly attempts: number } | null;
}

/**
 * Stop, look for holders, journal, swap, start, ask for health. Whatever fails before the end is undone from the journal
 * at once, and the runtime is started again with what it had.
 */
export async function swapUnderRuntime(request: SwapRequest): Promise<SwapResult> {
  const { open, others } = request;
  try {
    request.signal?.throwIfAborted();
    open.write({ phase: "stopping" });
    crashpoint("in-place-stopping");
    await stop(request);
    await startAgainUnless(request, async () => {
      refuseHolders(request.targets, request.force, request.onWarning);
      const { moves, folders } = await request.prepare();
      const printed = moves.map((move) => ({
        ...move,
        goingPrint: move.going === null ? null : printOf(move.live),
        comingPrint: move.coming === null ? null : printOf(move.coming),
      }));
      request.signal?.throwIfAborted();
      open.write({ phase: "swapping", moves: printed, folders });
    });
  } catch (error) {
    throw abandon(open, error);
  }
  crashpoint("in-place-journaled");
  let health: SwapResult["health"] = null;
  try {
    request.onPhase("swap");
    await request.guard("swap of a restore", () => swapForward(open.current));
    crashpoint("in-place-moved-all");
    await others?.run();
    open.write({ phase: "swapped", starting: request.runtime !== null });
    crashpoint("in-place-swapped");
    await start(request);
    health = await askHealth(request);
  } catch (error) {
    await goBack(request, namedSystemError(error, "put the restored state in place"));
  }
  keepRestore(open.stateDir, {
    ...open.current,
    starting: false,
    outcome: request.outcome,
    ended_at: new Date(request.now()).toISOString(),
  });
  crashpoint("in-place-kept");
  clearAway(open.current, { old: true, staged: false });
  open.close();
  crashpoint("in-place-done");
  return { health };
}

/**
 * Before anything live was moved: what was staged goes, and there is nothing to settle. When even that fails the journal
 * stays, and says so until it is settled.
 *
 * @returns the failure that led here, with what could not be cleared away
 */
export function abandon(open: OpenJournal, error: unknown): HoldfastError {
  const failure = namedSystemError(error, "restore");
  try {
    clearAway(open.current, { old: false, staged: false });
    open.close();
    return failure;
  } catch (trouble) {
    return addHint(
      failure,
      `nothing live was changed, and what was staged could not be removed (${messageOf(trouble)}): holdfast restore --settle`,
    );
  }
}

async function stop({ open, runtime, onPhase, programs, signal }: SwapRequest): Promise<void> {
  if (runtime === null) return;
  onPhase("stop the runtime");
  try {
    await stopRuntime(runtime, { ...programs, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    // It may be down in part; a start of what still runs is its own business.
    const trouble = await startQuietly(open, runtime, programs);
    throw trouble === null ? error : addHint(namedSystemError(error, "restore"), `starting it again failed as well: ${trouble}`);
  }
}

async function startAgainUnless(request: SwapRequest, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (request.runtime === null) throw error;
    const trouble = await startQuietly(request.open, request.runtime, request.programs);
    throw trouble === null
      ? error
      : addHint(namedSystemError(error, "restore"), `the runtime is stopped, and starting it again failed: ${trouble}`);
  }
}

/** With everything as it was before. What could not be written down keeps nothing from being started. */
async function startQuietly(open: OpenJournal, runtime: Runtime, programs: ProgramPlace): Promise<string | null> {
  let unwritten = "";
  try {
    if (open.pending !== null) open.write({ starting: true });
  } catch (error) {
    unwritten = `; ${messageOf(error)}`;
  }
  try {
    await startRuntime(runtime, programs);
    return null;
  } catch (error) {
    return `${messageOf(error)}${unwritten}`;
  }
}

async function start({ runtime, onPhase, programs }: SwapRequest): Promise<void> {
  if (runtime === null) return;
  onPhase("start the runtime");
  await startRuntime(runtime, programs);
  crashpoint("in-place-started");
}

async function askHealth({ runtime, onPhase, programs, signal }: SwapRequest): Promise<SwapResult["health"]> {
  if (runtime?.health === null || runtime === null) return null;
  onPhase("wait for health");
  const { healthy, problem, attempts } = await awaitHealth(runtime.health, { ...programs, ...(signal === undefined ? {} : { signal }) });
  signal?.throwIfAborted();
  if (!healthy)
    throw new HostError("HEALTH_FAILED", `The runtime is not healthy with the restored state: ${problem ?? "no reason was given"}`);
  return { healthy, attempts };
}

/** Stop, everything back as it was, start, health, and say so. */
async function goBack(request: SwapRequest, failure: HoldfastError): Promise<never> {
  const { open, runtime, onPhase, programs } = request;
  onPhase("undo");
  if (runtime !== null && open.current.phase === "swapped") {
    try {
      open.write({ starting: false });
      await stopRuntime(runtime, programs);
    } catch (error) {
      throw addHint(
        failure,
        `the runtime could not be stopped again (${messageOf(error)}), so that the restored state was left in place: stop it, then holdfast restore --settle old`,
      );
    }
  }
  try {
    await request.others?.undo();
    // The runtime may have written since: what the new set looks like now is what a crash on the way back is told by.
    open.write({
      towards: "old",
      phase: "swapping",
      moves: open.current.moves.map((move) => ({
        ...move,
        comingPrint: move.coming === null ? null : (printOf(move.coming) ?? printOf(move.live)),
      })),
    });
    crashpoint("in-place-going-back");
    await request.guard("way back of a restore", () => swapBack(open.current));
    crashpoint("in-place-back");
  } catch (error) {
    throw addHint(failure, `going back failed: ${messageOf(error)}; the journal is kept: look at the disk, then holdfast restore --settle`);
  }
  const told = abandon(open, failure);
  if (runtime === null) throw addHint(told, "Everything is as it was before");
  const trouble = await startQuietly(open, runtime, programs);
  if (trouble !== null) throw addHint(told, `everything is as it was before, and starting the runtime failed: ${trouble}`);
  const health = runtime.health === null ? null : await awaitHealth(runtime.health, programs);
  throw addHint(
    told,
    health === null
      ? "Everything is as it was before, and the runtime was started again"
      : health.healthy
        ? "Everything is as it was before, and the runtime is healthy again"
        : `everything is as it was before, and the runtime is not healthy with that either: ${health.problem ?? "no reason was given"}`,
  );
}
