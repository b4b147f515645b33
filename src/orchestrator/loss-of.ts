import { HostError, InterruptedError, type HoldfastError } from "../kernel/index.ts";
import type { RunEnd } from "../ledger/index.ts";
import { REASON_CODES } from "./deferral.ts";
import type { Task } from "./task.ts";

/** How a run of this program's own backup ends without a word of its own. */
const SILENT: ReadonlySet<string | null> = new Set([REASON_CODES.signal, REASON_CODES.exit, REASON_CODES.notStarted]);
const OUT_OF_TIME: ReadonlySet<string | null> = new Set([REASON_CODES.deadline, REASON_CODES.stalled]);

/**
 * The failure of a backup that could not say it itself: it was killed, stopped at a limit, or never started. null when it
 * has said it, did not fail, or was stopped together with who supervised it.
 */
export function lossOf({ builtin }: Pick<Task, "builtin">, { outcome, reasonCode, reason }: RunEnd): HoldfastError | null {
  if (builtin !== "backup" || outcome !== "failed") return null;
  if (OUT_OF_TIME.has(reasonCode))
    return new InterruptedError("DEADLINE", `The process that did the work was ${reason ?? "stopped"}`, {
      hint: "Look at what it waited for, or give it more time: `timeout` and `stall` of tasks.backup",
    });
  if (!SILENT.has(reasonCode)) return null;
  return new HostError("ENGINE_KILLED", `The process that did the work gave no result: ${reason ?? "nobody knows why"}`, {
    hint: "Nothing half-made is listed; look for who ended it, such as a limit of memory. It is tried again by itself",
  });
}
