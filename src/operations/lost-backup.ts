import { HoldfastError, namedSystemError } from "../kernel/index.ts";
import { isBackupId, type Trigger } from "../vault/index.ts";
import { isCommitted } from "./committed-backup.ts";
import { recordFailure } from "./failed-backup.ts";
import type { EngineRun, Instance } from "./instance.ts";
import { backupFailed, notify } from "./notify/index.ts";

/**
 * Writes down and tells what a backup could not say itself: it was killed, stopped at a limit, or never started. Both are on
 * disk when this returns its promise, which waits for the endpoints. Never throws.
 */
export async function tellLost(instance: Instance, trigger: Trigger, failure: HoldfastError, signal?: AbortSignal): Promise<void> {
  recordFailure(instance, trigger, failure);
  for (const problem of await notify(instance, backupFailed(trigger, failure), signal)) instance.remark(`Not told: ${problem}`);
}

/** Runs our own command that takes a backup. What ends without a document has told nobody, so that this process does. */
export async function runBackupEngine(instance: Instance, trigger: Trigger, run: EngineRun): Promise<Readonly<Record<string, unknown>>> {
  let begun: unknown = null;
  const onEvent = (event: Readonly<Record<string, unknown>>): void => {
    if (event["event"] === "begin") begun = event["id"];
    run.onEvent?.(event);
  };
  try {
    return await instance.runEngine({ ...run, onEvent });
  } catch (error) {
    if (run.signal?.aborted !== true && isLost(error) && !(typeof begun === "string" && isBackupId(begun) && isCommitted(instance, begun)))
      await tellLost(instance, trigger, namedSystemError(error, `take the ${trigger} backup`), run.signal);
    throw error;
  }
}

/** Any other name is the command's own: it came in its document, and was told by it. */
function isLost(error: unknown): boolean {
  return !(error instanceof HoldfastError) || error.code === "ENGINE_KILLED";
}
