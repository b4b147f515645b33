import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { CaptureError, crashpoint, entryPath, messageOf, runCommand, withholding, type ProgramPlace } from "../kernel/index.ts";
import type { PausePlan } from "./component-plan.ts";
import type { GuardianMessage, GuardianRequest } from "./guardian.ts";

/** A runtime that is being held still. */
export interface Pause {
  /**
   * Ends the pause. Throws PAUSE_FAILED when it had ended before by itself, because then what was copied under it
   * cannot be trusted, and when the runtime could not be resumed.
   */
  release(): Promise<void>;
}

/** Pauses through a guardian, which is running before the pause command is. */
export async function startPause(component: string, plan: PausePlan, place: ProgramPlace, signal?: AbortSignal): Promise<Pause> {
  signal?.throwIfAborted();
  const { cwd, env, withhold } = place;
  const guardian = ["--disable-warning=ExperimentalWarning", entryPath(import.meta.url, "./guardian")];
  const child = withholding(withhold, ["pipe", "pipe", "inherit"], (stdio) =>
    spawn(process.execPath, guardian, { env, stdio: stdio as ["pipe", "pipe", "inherit"], detached: true }),
  );
  // A guardian that cannot be started or reached says nothing, and silence is dealt with below.
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  const messages = readMessages(child);
  const request: GuardianRequest = { command: plan.command, resume: plan.resume, timeout: plan.timeout, cwd };
  child.stdin.write(`${JSON.stringify(request)}\n`);
  // To the guardian a closed pipe is an engine that died: it stops the pause command and resumes.
  const abandon = (): void => void child.stdin.end();
  signal?.addEventListener("abort", abandon, { once: true });
  const first = await messages.next();
  signal?.removeEventListener("abort", abandon);
  if (first?.event !== "paused") {
    const end = await messages.next();
    const trouble = end?.event === "resumed" ? end.problem : await resumeOurselves(plan, place);
    if (trouble === null) signal?.throwIfAborted();
    throw new CaptureError(
      "PAUSE_FAILED",
      `Cannot pause component "${component}": ${first?.event === "failed" ? first.reason : "the guardian ended early"}`,
      {
        hint: trouble === null ? "The resume command was run; the component was not captured" : resumeHint(plan, trouble),
      },
    );
  }
  crashpoint("pause-held");
  return {
    release: async () => {
      child.stdin.end("resume\n");
      const end = await messages.next();
      if (end?.event !== "resumed") {
        const trouble = await resumeOurselves(plan, place);
        throw new CaptureError("PAUSE_FAILED", `The guardian of component "${component}" ended without a word`, {
          hint: trouble === null ? "The resume command was run; the copy is not trusted" : resumeHint(plan, trouble),
        });
      }
      if (end.problem !== null)
        throw new CaptureError("PAUSE_FAILED", `Cannot resume component "${component}": ${end.problem}`, { hint: resumeHint(plan) });
      if (end.by === "deadline") {
        throw new CaptureError(
          "PAUSE_FAILED",
          `The pause of component "${component}" ended by itself after ${plan.timeout} ms, before the copy was complete`,
          {
            hint: "Raise pause.timeout, or exclude what need not be copied under the pause",
          },
        );
      }
      if (end.by === "closed")
        throw new CaptureError("PAUSE_FAILED", `The pause of component "${component}" was abandoned before the copy was complete`, {
          cause: signal?.reason,
        });
    },
  };
}

/** The guardian was killed and we were not: the runtime must not stay paused. */
async function resumeOurselves(plan: PausePlan, place: ProgramPlace): Promise<string | null> {
  try {
    const { exitCode, signal } = await runCommand(plan.resume, { ...place, timeout: plan.timeout });
    return exitCode === 0 ? null : `"${plan.resume[0]}" ended with ${signal ?? `exit code ${exitCode}`}`;
  } catch (error) {
    return `"${plan.resume[0]}" could not be run: ${messageOf(error)}`;
  }
}

function resumeHint(plan: PausePlan, trouble?: string): string {
  return `Resume the runtime by hand with ${JSON.stringify(plan.resume)}${trouble === undefined ? "" : `; ${trouble}`}`;
}

function readMessages(child: ChildProcess & { stdout: NodeJS.ReadableStream }): { next(): Promise<GuardianMessage | undefined> } {
  const iterator = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { value, done } = await iterator.next();
      return done === true ? undefined : (JSON.parse(value) as GuardianMessage);
    },
  };
}
