import fc from "fast-check";
import { expect, it } from "vitest";
import { playRandomCase, randomCase } from "../support/random-restore.ts";

const RUNS = Number(process.env["SOAK_RESTORES"] ?? 200);

it(`${RUNS} restores in place of random trees, killed at random, are all old or all new once settled`, async () => {
  const ends: Record<string, number> = { old: 0, new: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(randomCase, async (one) => {
      const end = await playRandomCase(one);
      ends[end] = (ends[end] ?? 0) + 1;
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  console.log(`ends: ${JSON.stringify(ends)}`);
  expect((ends["old"] ?? 0) > 0 && (ends["new"] ?? 0) > 0).toBe(true);
});
