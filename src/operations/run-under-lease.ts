import { redact, startForeground } from "../kernel/index.ts";
import { LEASE_DESCRIPTOR, type Held } from "../lease/index.ts";
import type { Instance } from "./instance.ts";
import { acquireVisibly } from "./waiting.ts";

export interface LeaseRunRequest {
  readonly owner: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Milliseconds to wait for another holder. */
  readonly wait: number;
  /** The program talks to a person: it stays in the terminal's own process group. */
  readonly interactive: boolean;
  readonly signal?: AbortSignal;
  readonly onWaiting?: (held: Held) => void;
  /** Told how to pass a signal on, as soon as there is somebody to pass it to. */
  readonly onStart?: (forward: (signal: NodeJS.Signals) => void) => void;
}

export type LeaseRun =
  | { readonly outcome: "ran"; readonly exitCode: number; readonly foreignToken: boolean }
  | { readonly outcome: "deferred"; readonly held: Held; readonly foreignToken: boolean };

/**
 * Runs a program under the lease: not at all when somebody else holds it. The lease is held until the program and all that
 * it started has ended, also when this process is killed.
 */
export async function runUnderLease(instance: Instance, request: LeaseRunRequest): Promise<LeaseRun> {
  await using keeper = instance.openLease();
  const answer = await acquireVisibly(instance, keeper, {
    owner: request.owner,
    reason: "lease run",
    wait: request.wait,
    ...(instance.leaseToken === null ? {} : { token: instance.leaseToken }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
    ...(request.onWaiting === undefined ? {} : { onWaiting: request.onWaiting }),
  });
  const { foreignToken } = answer;
  if (answer.outcome === "held") return { outcome: "deferred", held: answer, foreignToken };
  await using lease = answer.lease;
  const program = await startForeground(request.argv, {
    cwd: request.cwd,
    env: { ...instance.env, ...lease.environment },
    interactive: request.interactive,
    pass: { descriptor: lease.descriptor, as: LEASE_DESCRIPTOR },
  });
  request.onStart?.((signal) => program.forward(signal));
  // One that came while it was made ready was for it as well.
  if (request.signal?.aborted === true) {
    program.abandon();
    await program.exitCode;
    request.signal.throwIfAborted();
  }
  // Others read it, and it is kept.
  const label = redact(request.argv.join(" ")).slice(0, 200);
  // Before it is let go: a program that nobody wrote down could outlive this process unseen.
  try {
    await lease.addChild(program.identity.pid, label);
  } catch (error) {
    program.abandon();
    throw error;
  }
  program.open();
  lease.progress({ doing: label });
  return { outcome: "ran", exitCode: await program.exitCode, foreignToken };
}
