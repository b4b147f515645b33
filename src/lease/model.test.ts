import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { LeaseModel, type LeaseStep } from "../../test/support/lease-model.ts";
import { LeaseTroupe } from "../../test/support/lease-stage.ts";
import type { LeaseEvent } from "./states.ts";

const ACTS = [
  "acquire",
  "join",
  "stale",
  "over",
  "release",
  "check",
  "reserve",
  "withdraw",
  "child",
  "end",
  "kill",
  "stop",
  "go",
  "break",
  "repair",
] as const;

const step: fc.Arbitrary<LeaseStep> = fc.tuple(
  // What leads on to something comes more often.
  fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...ACTS) },
    { weight: 1, arbitrary: fc.constantFrom("acquire", "join", "child", "release", "kill") },
  ),
  fc.constantFrom(0, 1, 2),
);

/** Walks that come past every event of the model, whatever chance makes of the others. */
const WALKS: readonly (readonly LeaseStep[])[] = [
  [["acquire", 0], ["acquire", 1], ["join", 1], ["check", 0], ["check", 1], ["child", 0], ["stop", 0], ["go", 0], ["kill", 0], ["check", 1], ["end", 0], ["kill", 1], ["acquire", 2], ["release", 2], ["release", 2]],
  [["reserve", 0], ["acquire", 1], ["over", 1], ["release", 1], ["acquire", 0], ["child", 0], ["release", 0], ["check", 0], ["acquire", 1], ["join", 1], ["check", 1], ["end", 0], ["release", 1], ["stale", 2], ["stop", 2], ["break", 0], ["acquire", 0], ["go", 2], ["check", 2], ["release", 2], ["check", 0], ["release", 0], ["repair", 0]],
  [["reserve", 0], ["kill", 0], ["acquire", 1], ["reserve", 2], ["withdraw", 2], ["stale", 0], ["kill", 1], ["stale", 0], ["child", 0], ["kill", 0], ["join", 1], ["release", 1], ["end", 0], ["acquire", 2]],
  [["reserve", 0], ["break", 0], ["acquire", 2], ["reserve", 1], ["break", 0], ["acquire", 0]],
]; // prettier-ignore

const EXPECTED: readonly LeaseEvent[] = [
  "acquire",
  "acquire, reserved for another that lives",
  "acquire, reserved for the asker",
  "acquire, reserved by the dead",
  "acquire over a reservation",
  "acquire with its token",
  "acquire with another token",
  "release, nobody else lives",
  "release, a child lives",
  "release of an old generation",
  "check or fence of the holder",
  "check or fence of a joiner",
  "check or fence of an old generation",
  "break",
  "reserve",
  "the holder is killed, a child lives",
  "the last one is killed",
  "the holder is stopped",
  "repair",
];

describe("sqliteLease()", () => {
  const troupe = new LeaseTroupe();
  afterAll(async () => await troupe[Symbol.asyncDispose]());

  it("keeps to LEASE_TABLE over any walk of three processes that take, join, release, die, stop and are broken", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30, size: "max" }), async (steps) => {
        await using model = new LeaseModel(troupe);
        await model.begin();
        for (const one of steps) await model.step(one);
      }),
      { numRuns: 12, examples: WALKS.map((walk) => [[...walk]]) },
    );
    expect([...LeaseModel.seen]).toEqual(expect.arrayContaining([...EXPECTED]));
  });
});
