import { layoutOf } from "./layout.ts";
import { lockVault } from "./vault-lock.ts";

/** How long a short change waits for another one. Milliseconds. */
const PATIENCE = 5000;

export interface UnderWriteLock {
  /** For the message that somebody else gets meanwhile: "a change of its keys". */
  readonly what: string;
  readonly signal?: AbortSignal;
}

/**
 * Does something short to the vault at a path while nobody else writes to it.
 *
 * @throws BusyError VAULT_BUSY · InterruptedError
 */
export async function underWriteLock<T>(path: string, { what, signal }: UnderWriteLock, work: () => T | Promise<T>): Promise<T> {
  using _ = await lockVault(layoutOf(path, []), { mode: "write", what, wait: PATIENCE, ...(signal === undefined ? {} : { signal }) });
  return await work();
}
