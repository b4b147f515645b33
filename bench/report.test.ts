import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { isMet, type Row } from "./comparisons.ts";
import { measure } from "./measure.ts";
import { inPairs, median } from "./pairs.ts";
import { cellsOf, type Facts, writeResults } from "./report.ts";

const facts: Facts = {
  command: "npm run bench",
  seed: 1,
  scale: 1,
  rounds: 3,
  bytes: 1e9,
  day: "2026-03-15",
  machine: "two cores",
  load: [0.1, 2],
};
const row = (value: number, must: number | null = 1): Row => ({ what: "time", ours: "1 s", peer: "2 s", value, unit: "ratio", must });

describe("writeResults()", () => {
  it("replaces the block of the same key and leaves the others", () => {
    using folder = temporaryFolder();
    const readme = folder.join("README.md");
    writeFileSync(readme, readFileSync(join(import.meta.dirname, "README.md")));
    writeResults(readme, "scale 99", facts, [row(0.111)]);
    writeResults(readme, "scale 98", facts, [row(0.222)]);
    writeResults(readme, "scale 99", facts, [row(1.333)]);
    const text = readFileSync(readme, "utf8");
    expect(text).not.toContain("| time | 1 s | 2 s | 0.11 |");
    expect(text).toContain("| time | 1 s | 2 s | 0.22 | <= 1 | yes |");
    expect(text).toContain("| time | 1 s | 2 s | 1.33 | <= 1 | NO |");
    expect(text).not.toContain("Not yet run.");
    expect(text.match(/<!-- results: scale 99 -->/g)).toHaveLength(1);
  });
});

describe("cellsOf()", () => {
  it("shows small ratios with three digits, amounts with their unit, and what could not be judged as that", () => {
    expect(cellsOf({ ...row(0.0234), must: 1 / 40 })).toEqual(["time", "1 s", "2 s", "0.023", "<= 0.025", "yes"]);
    expect(cellsOf({ ...row(1.2), unit: "seconds" })).toEqual(["time", "1 s", "2 s", "1.20 s", "<= 1.00 s", "NO"]);
    expect(cellsOf({ ...row(301e6, 300e6), unit: "bytes" }).slice(3)).toEqual(["301 MB", "<= 300 MB", "NO"]);
    expect(cellsOf({ ...row(1, 0.7), value: null }).slice(3)).toEqual(["-", "<= 0.7", "not judged"]);
    expect(cellsOf({ ...row(1, null), value: null }).slice(3)).toEqual(["-", "-", "-"]);
  });
});

describe("isMet()", () => {
  it("is null for what is measured for information", () => {
    expect([isMet(row(1)), isMet(row(1.001)), isMet(row(9, null))]).toEqual([true, false, null]);
  });
});

describe("inPairs()", () => {
  it("runs both in turn and takes the median of the ratios of each round", async () => {
    const order: string[] = [];
    const side = (name: string, walls: number[]): Parameters<typeof inPairs>[0] => ({
      prepare: () => void order.push(`prepare ${name}`),
      run: () => {
        order.push(name);
        return Promise.resolve({ wall: walls.shift() ?? Number.NaN, cpu: 1, peak: 0 });
      },
    });
    const pair = await inPairs(side("a", [1, 20, 3]), side("b", [2, 10, 4]), 3);
    expect(pair).toMatchObject({ ratio: 0.75, spread: [0.5, 2] });
    expect(order.slice(0, 5)).toEqual(["prepare a", "a", "prepare b", "b", "prepare a"]);
    expect(() => median([])).toThrow("Nothing was measured");
  });
});

describe("measure()", () => {
  it("sees the processor time and the resident set of a grandchild that a worker started", async () => {
    const grandchild = "Buffer.alloc(150e6, 1); const end = process.cpuUsage().user + 200e3; while (process.cpuUsage().user < end);";
    const worker = `require("node:child_process").execFileSync(process.execPath, ["-e", ${JSON.stringify(grandchild)}])`;
    const script = `new (require("node:worker_threads").Worker)(${JSON.stringify(worker)}, { eval: true })`;
    const seen = await measure({ name: "node", argv: [process.execPath, "-e", script] }, { memory: true, sync: false });
    expect(seen.peak).toBeGreaterThan(150e6);
    expect(seen.cpu).toBeGreaterThan(0.2);
    expect(seen.wall).toBeGreaterThan(0.2);
  });

  it("refuses the time of a command that failed, and says why it did", async () => {
    await expect(measure({ name: "tar", argv: ["sh", "-c", "echo no room >&2; exit 3"] }, { sync: false })).rejects.toThrow(
      "tar failed with exit code 3: no room",
    );
  });
});
