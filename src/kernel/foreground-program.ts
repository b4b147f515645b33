import { constants } from "node:os";
import { spawnGated } from "./gated-child.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { stopGroup } from "./run-command.ts";

export interface ForegroundOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** It talks to a person: it stays in the terminal's own process group. */
  readonly interactive: boolean;
  readonly pass?: { readonly descriptor: number; readonly as: number };
}

/** A program in our place: with our input, output and terminal. */
export interface ForegroundProgram {
  readonly identity: ProcessIdentity;
  /** Lets it start. */
  open(): void;
  forward(signal: NodeJS.Signals): void;
  /** Ends one that was not let go: nothing of it has run. */
  abandon(): void;
  /** As a shell has it: 128 and the number of the signal that ended it, 127 when there is no such program. */
  readonly exitCode: Promise<number>;
}

export async function startForeground(
  argv: readonly string[],
  { cwd, env, interactive, pass }: ForegroundOptions,
): Promise<ForegroundProgram> {
  const child = await spawnGated(argv, {
    cwd,
    env,
    stdio: ["inherit", "inherit", "inherit"],
    group: !interactive,
    ...(pass === undefined ? {} : { pass }),
  });
  return {
    identity: child.identity,
    open: () => child.open(),
    abandon: () => void child.process.kill("SIGKILL"),
    forward: (signal) => {
      if (!interactive) stopGroup(child.identity.pid, signal);
      // In a terminal an interrupt from the keyboard reaches both by itself.
      else if (signal !== "SIGINT") child.process.kill(signal);
    },
    exitCode: child.ended.then(({ exitCode, signal }) => exitCode ?? 128 + constants.signals[signal ?? "SIGKILL"]),
  };
}
