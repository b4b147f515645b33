import type { Config } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Lease, LeaseKeeper } from "../lease/index.ts";
import type { Vault } from "../vault/index.ts";

/** One protected system as the operations see it: what to do is in the configuration, what with is handed in. */
export interface Instance {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Something that a person should know and that is no part of a result. */
  readonly remark: (text: string) => void;
  /** Of the lease that this process was started under; null when it was started under none. */
  readonly leaseToken: string | null;
  /**
   * Runs one command of our own on this instance in a process of its own, and gives its JSON document. For whatever must
   * not take this process's time, memory or files.
   *
   * @throws HoldfastError the one that the command ended with
   */
  readonly runEngine: (run: EngineRun) => Promise<Readonly<Record<string, unknown>>>;
  /** Program and arguments that run this command on this instance. */
  readonly engine: (args: readonly string[]) => readonly string[];
  /** Dispose when done. */
  openLease(): LeaseKeeper;
  /** Opens the vault; `create` makes it when it is not there. Dispose when done. */
  openVault(options?: { readonly create?: boolean }): Promise<Vault>;
}

export interface EngineRun {
  /** Command and options, without --json. */
  readonly args: readonly string[];
  /** Work that somebody waits for keeps the normal priority. */
  readonly urgent: boolean;
  /** A lease in hand, which the command joins. */
  readonly lease?: Lease;
  /** Stops it; what it had not committed is gone. */
  readonly signal?: AbortSignal;
  /** "begin" with the id of the backup, once; "progress" as bytes are read. */
  readonly onEvent?: (event: Readonly<Record<string, unknown>>) => void;
}
