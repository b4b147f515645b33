import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { playRandomCase, randomCase } from "../support/random-restore.ts";

describe("a restore in place of random trees, with exclusions and a component inside another, killed at random", () => {
  it("is all old or all new once settled, or was refused before anything was touched", async () => {
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(randomCase, async (one) => {
        ends.add(await playRandomCase(one));
      }),
      { numRuns: 12 },
    );
    expect(ends.size).toBeGreaterThan(1);
  });
});
