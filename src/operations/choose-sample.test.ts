import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseSample, type SampleUnit } from "./choose-sample.ts";

const units = fc.array(
  fc.record({ bytes: fc.integer({ min: 1, max: 1000 }), readAt: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }) }),
  { minLength: 1, maxLength: 60 },
);
const part = fc.double({ min: 0.001, max: 1, noNaN: true });

function bytesOf(chosen: readonly SampleUnit[]): number {
  return chosen.reduce((sum, { bytes }) => sum + bytes, 0);
}

describe("chooseSample()", () => {
  it("takes as many bytes as were asked for, and no unit more than that needs", () => {
    fc.assert(
      fc.property(units, part, fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (all, share, lots) => {
        const chosen = chooseSample(all, share, () => lots.next().value as number);
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(bytesOf(chosen)).toBeGreaterThanOrEqual(bytesOf(all) * share);
        if (chosen.length > 1) expect(bytesOf(chosen.slice(0, -1))).toBeLessThan(bytesOf(all) * share);
      }),
    );
  });

  it("takes nothing before what was read back longer ago, or never", () => {
    fc.assert(
      fc.property(units, part, (all, share) => {
        const chosen = chooseSample(all, share, Math.random);
        const age = ({ readAt }: SampleUnit): number => readAt ?? -1;
        const left = all.filter((unit) => !chosen.includes(unit));
        expect(Math.max(...chosen.map(age))).toBeLessThanOrEqual(Math.min(...left.map(age), Infinity));
      }),
    );
  });

  it("takes one at least, and lets chance decide among equals", () => {
    const all = Array.from({ length: 10 }, (_, index) => ({ index, bytes: 1000, readAt: 7 }));
    const first = (lots: readonly number[]): number | undefined => {
      let next = 0;
      return chooseSample(all, 0.0001, () => lots[next++] ?? 1)[0]?.index;
    };
    expect(first([0.5, 0.4, 0.1, 0.2])).toBe(2);
    expect(first([0.5, 0.4, 0.1, 0.2, 0.3, 0.01])).toBe(5);
    expect(chooseSample([], 0.1, Math.random)).toEqual([]);
  });
});
