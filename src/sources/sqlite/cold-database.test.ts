import { describe, expect, it } from "vitest";
import type { BigIntStats } from "node:fs";
import { settlesIn } from "./cold-database.ts";
import { copyTime } from "./copy-time.ts";

const CHANGED = Date.UTC(2026, 2, 15, 14, 30);

/** Milliseconds after CHANGED, at which a file was changed whose time has so many nanoseconds beside its whole second. */
function settles(after: number, nanoseconds: bigint): number {
  const ctimeNs = BigInt(CHANGED) * 1_000_000n + nanoseconds;
  return settlesIn({ stats: { ctimeNs } as BigIntStats }, CHANGED + after);
}

describe("settlesIn()", () => {
  it.each([
    ["a few ticks later, where times are fine", 26, 1n, 0],
    ["within a tick", 5, 1n, 21],
    ["in the next second, where times may be whole seconds", 1000, 0n, 1101],
    ["in the third, where they may be every other", 2101, 0n, 0],
    ["of a file that was changed before the clock was set back", -3_600_000, 0n, 0],
    ["of a clock that has just been set back", -10, 1n, 36],
  ])("%s", (_, after, nanoseconds, millis) => {
    expect(settles(after, nanoseconds)).toBe(millis);
  });
});

describe("copyTime()", () => {
  it("grows with the size, and no timer overflows of any", () => {
    expect(copyTime(0, 30_000)).toBe(90_000);
    expect(copyTime(500_000_000, 0)).toBe(560_000);
    expect(copyTime(2 ** 50, 0)).toBe(2 ** 31 - 1);
  });
});
