import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { COMPARISONS, type Comparison } from "./comparisons.ts";
import { DEFAULT_SEED } from "./workload.ts";

export interface Options {
  readonly scale: number;
  readonly rounds: number;
  readonly seed: number;
  readonly only: readonly Comparison[];
  readonly json: boolean;
  /** Where workloads are kept and runs are made. */
  readonly dir: string;
  /** Leaves the run's vaults and copies. */
  readonly keep: boolean;
  readonly workloadOnly: boolean;
  readonly help: boolean;
}

export const USAGE: string = `npm run bench -- [options]

  --scale N          size of the workload, 0.02 to 10; 1 is 1 GB (1)
  --rounds N         pairs of runs of which the median is taken (3)
  --only A,B         of ${COMPARISONS.join(", ")} (all but repository, which needs restic)
  --seed N           of the workload (${DEFAULT_SEED})
  --dir FOLDER       where workloads are kept for the next time and runs are made (holdfast-bench in the temporary folder)
  --keep             leave the vaults and copies of the run for looking at
  --workload-only    make and check the workload, and measure nothing
  --json             print one JSON document, and leave the README as it is`;

export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scale: { type: "string", default: "1" },
      rounds: { type: "string", default: "3" },
      seed: { type: "string", default: String(DEFAULT_SEED) },
      only: { type: "string", default: COMPARISONS.filter((name) => name !== "repository").join(",") },
      json: { type: "boolean", default: false },
      dir: { type: "string", default: join(tmpdir(), "holdfast-bench") },
      keep: { type: "boolean", default: false },
      "workload-only": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const only = values.only.split(",").map((name) => {
    const known = COMPARISONS.find((comparison) => comparison === name.trim());
    if (known === undefined) throw new Error(`--only knows ${COMPARISONS.join(", ")}, not "${name}"`);
    return known;
  });
  return {
    scale: numberIn("--scale", values.scale, 0.02, 10),
    rounds: wholeIn("--rounds", values.rounds, 1, 100),
    seed: wholeIn("--seed", values.seed, 0, 0xffff_ffff),
    only,
    json: values.json,
    dir: resolve(values.dir),
    keep: values.keep,
    workloadOnly: values["workload-only"],
    help: values.help,
  };
}

function numberIn(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= low && value <= high)) throw new Error(`${name} is a number from ${low} to ${high}, not "${text}"`);
  return value;
}
function wholeIn(name: string, text: string, low: number, high: number): number {
  const value = numberIn(name, text, low, high);
  if (!Number.isInteger(value)) throw new Error(`${name} is a whole number, not "${text}"`);
  return value;
}
