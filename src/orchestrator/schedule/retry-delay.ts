const FIRST = 30_000;
const MOST = 15 * 60_000;

/** Milliseconds from the end of the last failed run to the next attempt: doubling, and short against the cadence. */
export function retryDelay(failures: number, cadence: number): number {
  return Math.floor(Math.min(FIRST * 2 ** Math.max(0, failures - 1), MOST, cadence / 4));
}
