import { expect } from "vitest";
import { SimulatedDays } from "./simulated-days.ts";

/** Of the distinct bytes that the kept backups name. */
const MOST_IN_VAULT = 3;
/** Of the bytes that the newest backup names. */
const MOST_REBASED = 0.1;

/**
 * Lets days pass, and holds every one of them to what the vault may cost; in the end every backup is read back.
 *
 * @returns what was seen, for people
 */
export async function expectBounded(days: number, pages: number, seed: number): Promise<string> {
  using life = new SimulatedDays(pages, seed);
  let [largest, rebased, kept] = [0, 0, 0];
  for (let day = 1; day <= days; day += 1) {
    const seen = await life.pass();
    kept = seen.kept;
    largest = Math.max(largest, seen.vault / seen.distinct);
    rebased = Math.max(rebased, seen.rebased / seen.live);
    expect(seen.vault, `day ${day}: ${JSON.stringify(seen)}`).toBeLessThanOrEqual(MOST_IN_VAULT * seen.distinct);
    expect(seen.rebased, `day ${day}: ${JSON.stringify(seen)}`).toBeLessThanOrEqual(MOST_REBASED * seen.live);
  }
  expect(await life.wrong()).toEqual([]);
  // Something was rebased, and something forgotten.
  expect(rebased).toBeGreaterThan(0.01);
  expect(kept).toBeLessThan(days);
  return `seed ${seed}, ${days} days: ${kept} kept, at most ${largest.toFixed(2)} times the distinct bytes, ${(100 * rebased).toFixed(1)} % rebased`;
}
