import { CaptureError, namedSystemError, type HoldfastError, redact, runCommand } from "../kernel/index.ts";
import type { Trigger } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { outsideLease } from "./program-places.ts";

export type HookName = "before" | "after" | "error";

/** What became of a backup, as a hook is told. */
export type HookOutcome = "complete" | "partial" | "failed" | "interrupted" | "deferred";

export interface HookFacts {
  readonly trigger: Trigger;
  /** Of a backup that is committed. */
  readonly id?: string;
  readonly outcome?: HookOutcome;
  readonly failure?: HoldfastError;
}

/** The kernel takes 128 kB for one variable; nobody reads that much. */
const LONGEST_VALUE = 4096;

/**
 * Runs the program of a hook, where one is declared, in a process group of its own and within its time. Facts come as
 * variables and never as text that something would parse: templates of hooks were shell injections three times (borgmatic).
 *
 * @returns what went wrong, or null
 */
export async function runHook(instance: Instance, name: HookName, facts: HookFacts, signal?: AbortSignal): Promise<string | null> {
  const { hooks } = instance.config;
  const place = outsideLease(instance);
  const argv = hooks?.[name] ?? null;
  if (hooks === null || argv === null) return null;
  try {
    const {
      exitCode,
      signal: by,
      timedOut,
      stderr,
    } = await runCommand(argv, {
      ...place,
      env: { ...place.env, ...variables(instance, facts) },
      timeout: hooks.timeout,
      keep: 2048,
      ...(signal === undefined ? {} : { signal }),
    });
    if (exitCode === 0 && !timedOut) return null;
    const how = timedOut ? `ran longer than ${hooks.timeout} ms` : by === null ? `ended with exit code ${exitCode}` : `was ended by ${by}`;
    const last = stderr.trim().split("\n").at(-1) ?? "";
    return redact(`\`hooks.${name}\` ${how}${last === "" ? "" : `: ${last}`}`);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return redact(`\`hooks.${name}\` cannot be run: ${namedSystemError(error, `start "${argv[0]}"`).message}`);
  }
}

/** @throws CaptureError COMMAND_FAILED: what `before` prepares is not there, so that nothing is captured */
export async function runBefore(instance: Instance, trigger: Trigger, signal?: AbortSignal): Promise<void> {
  const problem = await runHook(instance, "before", { trigger }, signal);
  if (problem === null) return;
  throw new CaptureError("COMMAND_FAILED", `Nothing was captured: ${problem}`, {
    hint: "Run that program by hand from the configuration's folder, or take `hooks.before` away",
  });
}

/** `error` when the backup failed, then `after` in any case. What goes wrong with them is told, and changes nothing. */
export async function runAfter(instance: Instance, facts: HookFacts): Promise<readonly string[]> {
  const problems: (string | null)[] = [];
  // Also after an interruption, so that its signal does not reach them: what `before` began is ended.
  if (facts.outcome === "failed") problems.push(await runHook(instance, "error", facts));
  problems.push(await runHook(instance, "after", facts));
  return problems.filter((problem) => problem !== null);
}

/** Deferred and interrupted are no failures: the state is as it was, and the backup is still due. */
export function outcomeOf({ code, row: { kind } }: HoldfastError): HookOutcome {
  if (kind === "busy") return "deferred";
  return code === "INTERRUPTED" ? "interrupted" : "failed";
}

/** All of them always: one that this program was started with is no fact of this backup. */
function variables(instance: Instance, { trigger, id, outcome, failure }: HookFacts): Record<string, string> {
  const facts = {
    BACKUP_INSTANCE: instance.config.name,
    BACKUP_TRIGGER: trigger,
    BACKUP_ID: id ?? "",
    BACKUP_OUTCOME: outcome ?? "",
    BACKUP_ERROR_CODE: failure?.code ?? "",
    BACKUP_ERROR: redact(failure?.message ?? ""),
  };
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value.replaceAll("\0", "").slice(0, LONGEST_VALUE)]));
}
