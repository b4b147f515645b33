import type { Clock, HoldfastError } from "../kernel/index.ts";
import type { Held, LeaseKeeper } from "../lease/index.ts";
import type { Presence, SqliteLedger } from "../ledger/index.ts";
import type { Log } from "./log.ts";
import type { Task } from "./task.ts";

export interface OrchestratorParts {
  readonly instance: string;
  readonly stateDir: string;
  /** Where commands run. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly tasks: readonly Task[];
  readonly ledger: SqliteLedger;
  readonly presence: Presence;
  readonly keeper: LeaseKeeper;
  readonly clock: Clock;
  readonly log: Log;
  /** null: one cadence, at least an hour. Milliseconds. */
  readonly maxDeferral: number | null;
  readonly maxHold: number;
  /** From TERM to KILL, for what is stopped. Milliseconds. */
  readonly grace: number;
  /** Id of a scheduled backup that was committed since then, for one that could not say so itself any more. */
  readonly committed?: (since: number) => string | null;
  /** Told of a scheduled backup, begun then, that could not say itself that it failed. Never throws; waits for who is told. */
  readonly lost?: (failure: HoldfastError, since: number) => Promise<void>;
}

export interface CloseOptions {
  /** Milliseconds from TERM to KILL; what is configured when null. */
  readonly grace?: number | null;
  /** What is let finish in place of being stopped. */
  readonly finish?: "backup" | null;
  /** Then everything is killed at once. */
  readonly until?: AbortSignal;
}

export interface RunNowOptions {
  /** Milliseconds to wait for another holder of the lease. */
  readonly wait: number;
  /** Of the lease that this process was started under: it is joined. */
  readonly token: string | null;
  readonly onWaiting: (held: Held) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}
