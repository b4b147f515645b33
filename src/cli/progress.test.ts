import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { progressLine } from "./progress.ts";

describe("progressLine()", () => {
  it("shows phase, component, part, bytes, rate and remaining time", () => {
    expect(progressLine({ phase: "capture", component: "memory", bytes: 50_000_000, expected: 200_000_000 }, 5)).toBe(
      "[######------------------] 25% capture memory: 50.0 MB, 10.0 MB/s, 15s left",
    );
  });

  it("shows no part and no remaining time when nobody knows what is to come", () => {
    expect(progressLine({ phase: "verify", component: null, bytes: 1000, expected: null }, 2)).toBe("verify: 1.0 kB, 500 B/s");
    expect(progressLine({ phase: "verify", component: null, bytes: 1000, expected: 0 }, 2)).toBe("verify: 1.0 kB, 500 B/s");
  });

  it("does not divide by nothing at the start", () => {
    expect(progressLine({ phase: "preflight", component: null, bytes: 0, expected: 100 }, 0)).toBe(
      "[------------------------] 0% preflight: 0 B, 0 B/s",
    );
  });

  it("never goes past its end, also when more comes than the last backup held", () => {
    expect(progressLine({ phase: "capture", component: "memory", bytes: 300, expected: 200 }, 1)).toBe(
      "[########################] 100% capture memory: 300 B, 300 B/s",
    );
    fc.assert(
      fc.property(
        fc.nat(),
        fc.option(fc.nat(), { nil: null }),
        fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true })),
        (bytes, expected, seconds) => {
          const line = progressLine({ phase: "capture", component: null, bytes, expected }, seconds);
          expect(line).not.toMatch(/NaN|Infinity|-\d|undefined/);
          expect(line).not.toContain("\n");
          const bar = /^\[([#-]*)\] (\d+)%/.exec(line);
          if (bar !== null) expect([bar[1]?.length, Number(bar[2]) <= 100]).toEqual([24, true]);
        },
      ),
    );
  });
});
