import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { median } from "./pairs.ts";

export type Unit = "ms" | "%" | "MB";

export interface LatencyRow {
  readonly what: string;
  /** Of each round, in milliseconds unless `unit` says otherwise. */
  readonly values: readonly number[];
  readonly unit?: Unit;
  /** Of the same rounds, where it is compared: what it is divided by, in the same unit. */
  readonly beside?: readonly number[];
  /** What that is: commits of one row on the same disk unless told. */
  readonly counted?: "commits" | "times";
  /** What is held to the limit: the median of the rounds, the worst of them, or the median of the ratios of each. */
  readonly judged: "median" | "worst" | "ratio";
  /** The largest value that is accepted; null: measured for information. */
  readonly must: number | null;
}

export interface LatencyFacts {
  /** What was typed. */
  readonly command: string;
  readonly rounds: number;
  readonly day: string;
  readonly machine: string;
  /** Load averages of the last minute before and after. */
  readonly load: readonly [before: number, after: number];
}

export interface LatencyFinding {
  readonly what: string;
  readonly unit: Unit;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** What it takes divided by what it is compared with; null where that says nothing. */
  readonly ratio: number | null;
  readonly must: string | null;
  readonly ok: boolean | null;
}

export function judge({ what, values, unit = "ms", beside, counted = "commits", judged, must }: LatencyRow): LatencyFinding {
  const middle = median(values);
  const max = Math.max(...values);
  const ratio = beside === undefined ? null : median(values.map((value, round) => value / (beside[round] ?? Number.NaN)));
  const limits = { median: `<= ${must} ${unit}`, worst: `<= ${must} ${unit}, always`, ratio: `<= ${must} ${counted}` };
  const value = { median: middle, worst: max, ratio: ratio ?? Number.NaN }[judged];
  return {
    what,
    unit,
    median: middle,
    min: Math.min(...values),
    max,
    ratio,
    must: must === null ? null : limits[judged],
    // What could not be measured is not met.
    ok: must === null ? null : value <= must,
  };
}

const HEAD = ["measured", "median", "min-max", "ratio", "must", "ok"];

function cellsOf({ what, unit, median: middle, min, max, ratio, must, ok }: LatencyFinding): string[] {
  const spread = `${digits(min)}-${digits(max)}`;
  return [
    what,
    `${digits(middle)} ${unit}`,
    spread,
    ratio === null ? "-" : digits(ratio),
    must ?? "-",
    ok === null ? "-" : ok ? "yes" : "NO",
  ];
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** For a terminal. */
export function latencyTable(findings: readonly LatencyFinding[]): string {
  const lines = [HEAD, ...findings.map((finding) => cellsOf(finding))];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "))
    .join("\n");
}

/**
 * Puts what was found between the markers of its section in the README, in the place of what was found there before;
 * other results stay.
 */
export function writeLatency(readme: string, section: string, facts: LatencyFacts, findings: readonly LatencyFinding[]): void {
  const key = `latency, ${section}`;
  const [begin, end, last] = [`<!-- results: ${key} -->`, `<!-- end: ${key} -->`, "<!-- end of results -->"];
  const block = [
    begin,
    `### Latency, ${section}`,
    "",
    `\`${facts.command}\` on ${facts.day}: ${facts.machine}; ${facts.rounds} rounds, each kind in turn; load average ${facts.load[0].toFixed(1)} before and ${facts.load[1].toFixed(1)} after.`,
    "",
    `| ${HEAD.join(" | ")} |`,
    "|---|---:|---:|---:|---:|---|",
    ...findings.map((finding) => `| ${cellsOf(finding).join(" | ")} |`),
    end,
  ].join("\n");
  const text = readFileSync(readme, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (!(from >= 0 && to > from) && !text.includes(last)) throw new Error(`${readme} has no marker "${last}"`);
  const changed =
    from >= 0 && to > from ? text.slice(0, from) + block + text.slice(to + end.length) : text.replace(last, () => `${block}\n\n${last}`);
  writeFileSync(`${readme}.tmp`, changed);
  renameSync(`${readme}.tmp`, readme);
}
