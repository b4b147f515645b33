import { cpus, loadavg, totalmem } from "node:os";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isMet, isUnjudged, megabytes, type Row } from "./comparisons.ts";

export interface Facts {
  /** What was typed. */
  readonly command: string;
  readonly seed: number;
  readonly scale: number;
  readonly rounds: number;
  readonly bytes: number;
  readonly day: string;
  readonly machine: string;
  /** Load averages of the last minute before and after: what was measured on a busy machine says so. */
  readonly load: readonly [before: number, after: number];
}

export function loadNow(): number {
  return loadavg()[0] ?? 0;
}

/** The machine, without saying which one it is. */
export function describeMachine(): string {
  return `${cpus().length} cores, ${Math.round(totalmem() / 1e9)} GB of memory, ${process.platform} ${process.arch}, Node.js ${process.versions.node}`;
}

export function cellsOf(row: Row): string[] {
  const spread = row.spread === undefined ? "" : ` (${row.spread.map((ratio) => ratio.toFixed(2)).join("-")})`;
  const value = row.value === null ? "-" : amount(row.value, row.unit, 2) + spread;
  const must = row.must === null ? "-" : `<= ${amount(row.must, row.unit)}`;
  const met = isMet(row);
  return [row.what, row.ours, row.peer, value, must, isUnjudged(row) ? "not judged" : met === null ? "-" : met ? "yes" : "NO"];
}

/** @param digits of a number without a unit; as many as it takes, up to three, unless given */
function amount(value: number, unit: Row["unit"], digits?: number): string {
  if (unit === "bytes") return megabytes(value);
  if (unit === "seconds") return `${value.toFixed(2)} s`;
  // A ratio of a hundredth says nothing in two digits.
  if (digits !== undefined) return value < 0.1 ? value.toFixed(3) : value.toFixed(digits);
  return String(Number(value.toFixed(3)));
}

const HEAD = ["measured", "holdfast", "peer", "ratio", "must", "met"];

/** For a terminal. */
export function textTable(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "))
    .join("\n");
}

/**
 * Puts the results of this command between its markers in the README, in the place of earlier ones of the same scale and
 * selection; results of others stay.
 *
 * @param key names the block, e.g. "scale 1"
 */
export function writeResults(readme: string, key: string, facts: Facts, rows: readonly Row[]): void {
  const begin = `<!-- results: ${key} -->`;
  const end = `<!-- end: ${key} -->`;
  const block = [
    begin,
    `### ${key[0]?.toUpperCase()}${key.slice(1)}`,
    "",
    `\`${facts.command}\` on ${facts.day}: ${facts.machine}; seed ${facts.seed}, ${megabytes(facts.bytes)} of state, ${facts.rounds} rounds; load average ${facts.load[0].toFixed(1)} before and ${facts.load[1].toFixed(1)} after.`,
    "",
    `| ${HEAD.join(" | ")} |`,
    "|---|---:|---:|---:|---:|---|",
    ...rows.map((row) => `| ${cellsOf(row).join(" | ")} |`),
    end,
  ].join("\n");
  const text = readFileSync(readme, "utf8");
  const before = text.indexOf(begin);
  const after = text.indexOf(end);
  let changed: string;
  if (before >= 0 && after > before) changed = text.slice(0, before) + block + text.slice(after + end.length);
  else {
    const place = "<!-- end of results -->";
    if (!text.includes(place)) throw new Error(`${readme} has no marker "${place}"`);
    changed = text.replace(`${NOT_YET}\n\n`, "").replace(place, () => `${block}\n\n${place}`);
  }
  writeFileSync(`${readme}.tmp`, changed);
  renameSync(`${readme}.tmp`, readme);
}
const NOT_YET = "Not yet run.";
