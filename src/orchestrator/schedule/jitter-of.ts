import { createHash } from "node:crypto";

const MOST = 30_000;

/**
 * Milliseconds by which a task of this instance comes later than its schedule says, so that a hundred machines with
 * one configuration do not all begin in the same second. Stable: the same instance and task have the same one for ever.
 */
export function jitterOf(instance: string, task: string, cadence: number): number {
  const hash = createHash("sha256")
    .update(JSON.stringify([instance, task]))
    .digest();
  return Math.floor((hash.readUInt32BE(0) / 2 ** 32) * Math.min(MOST, cadence / 10));
}
