import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { playRandomCase, randomCase } from "../support/random-restore.ts";

describe.each([
  ["directory", 12],
  ["repository", 8],
] as const)(
  "a restore in place of random trees out of a %s, with exclusions and a component inside another, killed at random",
  (form, runs) => {
    it("is all old or all new once settled, or was refused before anything was touched", async () => {
      const ends = new Set<string>();
      await fc.assert(
        fc.asyncProperty(randomCase, async (one) => {
          ends.add(await playRandomCase(one, form));
        }),
        { numRuns: runs },
      );
      expect(ends.size).toBeGreaterThan(1);
    });
  },
);
