import { describe, expect, it } from "vitest";
import type { Measurement } from "./measure.ts";
import { rowOf } from "./part-that-grew.ts";

const walls = (...values: number[]): Measurement[] => values.map((wall) => ({ wall, cpu: 0, peak: 0 }));

describe("rowOf()", () => {
  it("takes what the command costs without the part off both, and the median of the rounds", () => {
    const row = rowOf("notes", { nothing: walls(0.2, 0.3, 0.1), base: walls(1.2, 2.2, 1.2), grown: walls(10.2, 10.2, 14.2) });
    expect(row).toMatchObject({ what: "growth: notes", ours: "10.00 s", peer: "1.00 s", must: 11 });
    expect(row.value).toBeCloseTo(10);
    expect(row.spread?.map((ratio) => Math.round(ratio))).toEqual([5, 14]);
  });

  it("counts a part that is lost in noise as the noise", () => {
    const row = rowOf("backups", { nothing: walls(0.2), base: walls(0.195), grown: walls(0.24) });
    expect(row.value).toBeCloseTo(2);
    expect(row.peer).toBe("-0.01 s");
  });
});
