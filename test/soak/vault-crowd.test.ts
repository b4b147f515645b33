import { expect, it } from "vitest";
import { expectCrowdHarmless } from "../support/expect-crowd.ts";

const KILLS = Number(process.env["SOAK_KILLS"] ?? 1000);
const SEED = Number(process.env["SOAK_SEED"] ?? Date.now() % 10_000);

it(`two writers, a reader and a pruner at once, ${KILLS} times killed: every backup that is there is what was backed up (seed ${SEED})`, async () => {
  const seen = await expectCrowdHarmless(KILLS, SEED);
  console.log(seen);
  expect(seen).toContain("killed");
});
