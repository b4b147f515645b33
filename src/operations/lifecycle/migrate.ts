import { startForeground } from "../../kernel/index.ts";
import type { Log } from "../../orchestrator/index.ts";
import type { Instance } from "../instance.ts";
import { lifecycleBackup, type LifecycleBackup } from "./lifecycle-backup.ts";

/** A migration waits this long for another holder; then it does not run. Milliseconds. */
export const MIGRATION_WAIT: number = 10 * 60_000;

export interface MigrateRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly interactive: boolean;
  /** Runs the migration although its backup failed or was deferred. */
  readonly force: boolean;
  /** Milliseconds to wait for another holder of the lease. */
  readonly wait: number;
  readonly log: Log;
  readonly signal?: AbortSignal;
  readonly onStart?: (forward: (signal: NodeJS.Signals) => void) => void;
}

export type Migration =
  | { readonly ran: true; readonly exitCode: number; readonly backup: LifecycleBackup }
  /** The migration has not begun. */
  | { readonly ran: false; readonly backup: LifecycleBackup };

/**
 * Runs a migration after the backup that it can be undone from: not at all when that failed.
 *
 * @throws InterruptedError when the signal came before the migration had begun
 */
export async function migrate(instance: Instance, request: MigrateRequest): Promise<Migration> {
  const backup = await beforeMigration(instance, request);
  request.signal?.throwIfAborted();
  if (backup.outcome !== "taken" && !request.force) return { ran: false, backup };
  const program = await startForeground(request.argv, { cwd: request.cwd, env: instance.env, interactive: request.interactive });
  request.onStart?.((signal) => program.forward(signal));
  // One that came while it was made ready was for it as well.
  if (request.signal?.aborted === true) {
    program.abandon();
    await program.exitCode;
    request.signal.throwIfAborted();
  }
  program.open();
  return { ran: true, exitCode: await program.exitCode, backup };
}

/** The backup alone, for who runs the migration itself. */
export async function beforeMigration(
  instance: Instance,
  { wait, log, signal, tags = [] }: Pick<MigrateRequest, "wait" | "log" | "signal"> & { readonly tags?: readonly string[] },
): Promise<LifecycleBackup> {
  return await lifecycleBackup(instance, { trigger: "pre-migration", wait, log, tags, ...(signal === undefined ? {} : { signal }) });
}
