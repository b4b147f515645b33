import fc from "fast-check";
import { expect, it } from "vitest";
import { periodsOf } from "./periods.ts";
import { TIERS } from "./policy.ts";

it("periodsOf() names the periods of UTC as those of a time zone that is the same", () => {
  const [utc, same] = [periodsOf("UTC"), periodsOf("Etc/UTC")];
  const time = fc.integer({ min: Date.parse("1971-01-01T00:00:00Z"), max: Date.parse("2099-12-31T23:59:59Z") });
  fc.assert(
    fc.property(time, fc.constantFrom(...TIERS), (millis, tier) => {
      expect(utc(tier, millis)).toBe(same(tier, millis));
    }),
    { numRuns: 300 },
  );
});
