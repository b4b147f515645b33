import { monotonicNow } from "../kernel/index.ts";
import { status, type Instance, type Status } from "../operations/index.ts";

/** Milliseconds that a look at everything may be old, for who asks often. */
const FRESH = 2000;
/** So old it is given while a new one is made. */
const STALE = 15_000;

export interface StatusView {
  /** As it is now; who asks while somebody else does shares the answer. */
  now(): Promise<Status>;
  /** As it was a moment ago: for health, readiness and metrics. */
  recent(): Promise<Status>;
  /** Something has changed: the next answer is a new one. */
  forget(): void;
}

export function statusView(instance: () => Instance, monotonic: () => number = monotonicNow): StatusView {
  let known: { readonly at: number; readonly status: Status } | null = null;
  let looking: Promise<Status> | null = null;
  let changes = 0;
  const look = async (): Promise<Status> => {
    const before = changes;
    const at = monotonic();
    const seen = await status(instance());
    if (before === changes) known = { at, status: seen };
    return seen;
  };
  const now = (): Promise<Status> => {
    looking ??= look().finally(() => (looking = null));
    return looking;
  };
  return {
    now,
    recent: async () => {
      const age = known === null ? Infinity : monotonic() - known.at;
      if (known === null || age > STALE) return await now();
      // A failure is told to whoever asks when there is nothing else to give.
      if (age > FRESH) now().catch(() => {});
      return known.status;
    },
    forget: () => {
      changes += 1;
      known = null;
      looking = null;
    },
  };
}
