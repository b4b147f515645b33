import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { MEMORY_FORMS, type MemoryForm } from "./memory.ts";
import { type Section, SECTIONS } from "./sections.ts";
import { DEFAULT_SEED } from "./workload.ts";

export interface Options {
  readonly scale: number;
  readonly rounds: number;
  readonly seed: number;
  readonly only: readonly Section[];
  /** They were asked for by name: what cannot be judged of them is then a failure. */
  readonly named: boolean;
  readonly forms: readonly MemoryForm[];
  readonly json: boolean;
  /** Where workloads are kept and runs are made. */
  readonly dir: string;
  /** Leaves the run's vaults and copies. */
  readonly keep: boolean;
  readonly workloadOnly: boolean;
  readonly help: boolean;
}

/** Ten times as much is 11 GB of database, and five times that on the disk while it is measured. */
const GROWTH_SCALE = 2;

export const USAGE: string = `npm run bench -- [options]

  --scale N          size of the workload, 0.02 to 20; 1 is 1 GB (1)
  --rounds N         rounds in which everybody runs in turn, of which the median is taken (3)
  --only A,B         of ${SECTIONS.join(", ")} (all)
  --forms A,B        that memory looks at: of ${MEMORY_FORMS.join(", ")} (all)
  --seed N           of the workload (${DEFAULT_SEED})
  --dir FOLDER       where workloads are kept for the next time and runs are made (holdfast-bench in the temporary folder)
  --keep             leave the vaults and copies of the run for looking at
  --workload-only    make and check the workload, and measure nothing
  --json             print one JSON document, and leave the README as it is

  in-place          restore of a live state, beside cp
  prune             of 1,000 archives
  repository        the repository form beside restic; beside borg and tar | gzip for information
  repository-prune  of 1,000 backups of 100 packs each in repository form
  activity100       bytes that a hundred steps of activity add, beside restic
  growth            ten times the files, the database, the backups; at scale 1 up to 300,000 notes and 5.5 GB
  memory            largest resident sets, by form

What cannot be judged, as for want of a peer, is a failure in sections that --only names.`;

export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scale: { type: "string", default: "1" },
      rounds: { type: "string", default: "3" },
      seed: { type: "string", default: String(DEFAULT_SEED) },
      only: { type: "string" },
      forms: { type: "string", default: MEMORY_FORMS.join(",") },
      json: { type: "boolean", default: false },
      dir: { type: "string", default: join(tmpdir(), "holdfast-bench") },
      keep: { type: "boolean", default: false },
      "workload-only": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const scale = numberIn("--scale", values.scale, 0.02, 20);
  const only = values.only === undefined ? SECTIONS : namesIn("--only", values.only, SECTIONS);
  if (only.includes("growth") && scale > GROWTH_SCALE)
    throw new Error(`growth makes ten times what --scale says, and is measured up to ${GROWTH_SCALE}: name other sections with --only`);
  return {
    scale,
    rounds: wholeIn("--rounds", values.rounds, 1, 100),
    seed: wholeIn("--seed", values.seed, 0, 0xffff_ffff),
    only,
    named: values.only !== undefined,
    forms: namesIn("--forms", values.forms, MEMORY_FORMS),
    json: values.json,
    dir: resolve(values.dir),
    keep: values.keep,
    workloadOnly: values["workload-only"],
    help: values.help,
  };
}

function namesIn<Name extends string>(option: string, text: string, known: readonly Name[]): readonly Name[] {
  return text.split(",").map((given) => {
    const name = known.find((candidate) => candidate === given.trim());
    if (name === undefined) throw new Error(`${option} knows ${known.join(", ")}, not "${given}"`);
    return name;
  });
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
