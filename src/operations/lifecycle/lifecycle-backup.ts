import { HoldfastError, InterruptedError, namedSystemError } from "../../kernel/index.ts";
import type { Log } from "../../orchestrator/index.ts";
import type { Instance } from "../instance.ts";
import { runBackupEngine } from "../lost-backup.ts";

export interface LifecycleRequest {
  readonly trigger: "startup" | "shutdown" | "pre-migration";
  /** Milliseconds to wait for another holder of the lease, who is asked to make room. */
  readonly wait: number;
  readonly tags?: readonly string[];
  readonly signal?: AbortSignal;
  readonly log: Log;
}

/** What became of a backup around the life of a runtime. A failure is an outcome and an alarm, and never stops the runtime. */
export type LifecycleBackup =
  | { readonly outcome: "taken"; readonly id: string; readonly complete: boolean }
  | { readonly outcome: "off" }
  | { readonly outcome: "deferred"; readonly error: HoldfastError }
  | { readonly outcome: "failed"; readonly error: HoldfastError };

/** Takes one in a process of its own. Never throws. */
export async function lifecycleBackup(instance: Instance, request: LifecycleRequest): Promise<LifecycleBackup> {
  const { trigger, wait, tags = [], signal, log } = request;
  try {
    await askForRoom(instance, trigger);
    const document = await runBackupEngine(instance, trigger, {
      args: [
        "backup",
        "create",
        "--trigger",
        trigger,
        ...(wait > 0 ? ["--wait", `${Math.ceil(wait)}ms`] : []),
        ...tags.flatMap((tag) => ["--tag", tag]),
      ],
      urgent: true,
      ...(signal === undefined ? {} : { signal }),
    });
    const id = String(document["id"]);
    const complete = document["status"] === "complete";
    log(complete ? "info" : "warn", `Backup ${id} is taken${complete ? "" : ", and something declared is not in it"}.`);
    return { outcome: "taken", id, complete };
  } catch (thrown) {
    const error = failureOf(thrown, trigger, signal);
    const outcome = error.row.kind === "busy" ? "deferred" : "failed";
    log("error", `No ${trigger} backup was taken: ${error.code}: ${error.message}.`);
    return { outcome, error };
  }
}

/** One that had to stop before it began was stopped, and is no defect. */
function failureOf(thrown: unknown, trigger: string, signal: AbortSignal | undefined): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  if (signal?.aborted !== true) return namedSystemError(thrown, `take the ${trigger} backup`);
  return new InterruptedError("INTERRUPTED", `The ${trigger} backup was stopped before it began`, { cause: thrown });
}

/** Whoever holds the lease is asked; what does not listen is waited for, and never interrupted. */
async function askForRoom(instance: Instance, by: string): Promise<void> {
  await using keeper = instance.openLease();
  const view = await keeper.inspect();
  if (view !== null && view.state !== "free") await keeper.requestYield(by);
}
