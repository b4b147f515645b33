import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { judge, type LatencyFacts, type LatencyRow, writeLatency } from "./latency-report.ts";

const facts: LatencyFacts = { command: "npm run bench:latency", rounds: 3, day: "2026-03-15", machine: "two cores", load: [0.1, 2] };
const row = (of: Partial<LatencyRow>): LatencyRow => ({ what: "time", values: [1, 2, 60], judged: "median", must: 50, ...of });

describe("judge()", () => {
  it("holds to the limit the median, the worst, or the median of each round's ratio", () => {
    expect(judge(row({}))).toMatchObject({ median: 2, min: 1, max: 60, ratio: null, must: "<= 50 ms", ok: true });
    expect(judge(row({ judged: "worst" }))).toMatchObject({ must: "<= 50 ms, always", ok: false });
    expect(judge(row({ judged: "ratio", must: 4, beside: [0.5, 0.4, 30] }))).toMatchObject({ ratio: 2, must: "<= 4 commits", ok: true });
    expect(judge(row({ judged: "ratio", must: 3, beside: [1, 1, 1], counted: "times", unit: "MB" }))).toMatchObject({
      must: "<= 3 times",
      ok: true,
    });
    expect(judge(row({ judged: "ratio", must: 1.9, beside: [0.5, 0.4, 30] })).ok).toBe(false);
  });

  it("takes what could not be measured for missed, and judges nothing that has no limit", () => {
    expect(judge(row({ judged: "ratio" })).ok).toBe(false);
    expect(judge(row({ values: [Number.NaN] })).ok).toBe(false);
    expect(judge(row({ must: null }))).toMatchObject({ must: null, ok: null });
  });
});

describe("writeLatency()", () => {
  it("replaces the block of its section and leaves the others", () => {
    using folder = temporaryFolder();
    const readme = folder.join("README.md");
    writeFileSync(readme, readFileSync(join(import.meta.dirname, "README.md")));
    const write = (section: string, value: number): void =>
      writeLatency(readme, section, facts, [judge(row({ values: [value], what: "probe" }))]);
    write("one", 11.11);
    write("other", 22.22);
    write("one", 333.33);
    const text = readFileSync(readme, "utf8");
    expect(text).not.toContain("11.1 ms");
    expect(text).toContain("| probe | 22.2 ms | 22.2-22.2 | - | <= 50 ms | yes |");
    expect(text).toContain("| probe | 333 ms | 333-333 | - | <= 50 ms | NO |");
    expect(text.match(/<!-- results: latency, one -->/g)).toHaveLength(1);
    expect(text.trimEnd().endsWith("<!-- end of results -->")).toBe(true);
  });
});
