import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PlaceSet } from "./place-set.ts";

describe("PlaceSet", () => {
  it("says what a Map says, of any places, while it grows", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.integer({ min: 1, max: 4 })), { maxLength: 3000, minLength: 1500 }),
        (steps) => {
          const set = new PlaceSet();
          const map = new Map<string, number>();
          for (const [place, value] of steps) {
            expect(set.get(place)).toBe(map.get(place) ?? 0);
            set.set(place, value);
            map.set(place, value);
          }
          for (const [place, value] of map) expect(set.get(place)).toBe(value);
        },
      ),
      { numRuns: 20 },
    );
  });
});
