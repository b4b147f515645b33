import type { Config } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { LeaseKeeper } from "../lease/index.ts";
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
  /** Program and arguments that run this command on this instance. */
  readonly engine: (args: readonly string[]) => readonly string[];
  /** Dispose when done. */
  openLease(): LeaseKeeper;
  /** Opens the vault; `create` makes it when it is not there. Dispose when done. */
  openVault(options?: { readonly create?: boolean }): Promise<Vault>;
}
