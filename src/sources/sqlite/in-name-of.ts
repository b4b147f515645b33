import type { CopyRequest } from "./copy-protocol.ts";

/**
 * A write-ahead log's -shm is written by readers too, and made when it is missing. Root does that in the owner's
 * name: a sidecar owned by root stops the runtime.
 */
export function inNameOf<T>(account: CopyRequest["as"], action: () => T): T {
  if (account === null || process.seteuid === undefined || process.setegid === undefined || process.setgroups === undefined)
    return action();
  const groups = process.getgroups?.() ?? [];
  process.setgroups([]);
  process.setegid(account.gid);
  process.seteuid(account.uid);
  try {
    return action();
  } finally {
    process.seteuid(0);
    process.setegid(0);
    process.setgroups(groups);
  }
}
