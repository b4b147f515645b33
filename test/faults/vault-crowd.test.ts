import { expect, it } from "vitest";
import { expectCrowdHarmless } from "../support/expect-crowd.ts";

it.each([1, 2])(
  "two writers, a reader and a pruner at once, each killed again and again: every backup that is there is what was backed up (seed %i)",
  async (seed) => {
    expect(await expectCrowdHarmless(25, seed)).toContain("killed");
  },
);
