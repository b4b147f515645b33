import type { Instance } from "../operations/index.ts";

/** Readings that run at a time; the others wait for their turn. */
const AT_ONCE = 2;

/** What only looks, and takes too long or opens too much for this process: in one of its own, and stopped when nobody waits for it. */
export interface Readings {
  run(args: readonly string[], signal: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
}

export function readings(instance: () => Instance): Readings {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    run: async (args, signal) => {
      if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
      running += 1;
      try {
        signal.throwIfAborted();
        return await instance().runEngine({ args, urgent: true, signal });
      } finally {
        running -= 1;
        waiting.shift()?.();
      }
    },
  };
}
