import { setImmediate } from "node:timers/promises";
import { lstatAt } from "../../src/kernel/index.ts";

/**
 * Does something once, as soon as bytes of a copy are there, and waits for the copy. Gives what both gave.
 *
 * @param target path of the copy
 */
export async function duringCopy<T, D>(target: string, copying: Promise<T>, act: () => D): Promise<readonly [T, D]> {
  let ended = false;
  const end = copying.finally(() => (ended = true));
  // Met below.
  end.catch(() => {});
  while ((lstatAt(target)?.size ?? 0n) === 0n) {
    if (ended) {
      await end;
      throw new Error(`Nothing was seen of "${target}" before the copy had ended`);
    }
    await setImmediate();
  }
  const done = act();
  return [await end, done];
}
