import { join } from "node:path";
import { COMPARISONS, gzip, inPlace, isMet, memory, plain, prune, type Comparison, type Row, start } from "./comparisons.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { describeMachine, type Facts, loadNow, textTable, writeResults } from "./report.ts";
import { besideRestic } from "./repository.ts";
import { makeRig, type Rig } from "./rig.ts";
import { openWorkload, totalBytes } from "./workload.ts";

/** `npm run bench`: the built package beside tar, gzip and cp, on a workload that a seed decides. README.md says how to read it. */

const RUNS: Readonly<Record<Comparison, (rig: Rig, rounds: number) => Promise<Row[]>>> = {
  gzip,
  plain,
  "in-place": inPlace,
  prune,
  start,
  memory,
  repository: besideRestic,
};

async function bench(options: Options): Promise<void> {
  const say = (line: string): void => {
    if (!options.json) console.log(line);
  };
  say(`Seed ${options.seed}, scale ${options.scale}, ${options.rounds} rounds; ${describeMachine()}`);
  const workload = openWorkload(options.dir, options.seed, options.scale, say);
  say(`${(totalBytes(workload) / 1e6).toFixed(0)} MB: ${JSON.stringify(workload.counts)}`);
  if (options.workloadOnly) return;

  const rows: Row[] = [];
  const all = COMPARISONS.every((name) => name === "repository" || options.only.includes(name));
  const command = `npm run bench -- --scale ${options.scale} --rounds ${options.rounds}${all ? "" : ` --only ${options.only.join(",")}`} --seed ${options.seed}`;
  const before = loadNow();
  await using rig = await makeRig(options.dir, workload, { keep: options.keep });
  for (const name of options.only) {
    say(`Measuring: ${name}`);
    rows.push(...(await RUNS[name](rig, options.rounds)));
  }
  const facts: Facts = {
    command,
    seed: options.seed,
    scale: options.scale,
    rounds: options.rounds,
    bytes: totalBytes(workload),
    day: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    load: [before, loadNow()],
  };
  if (options.keep) say(`Left in ${rig.folder}`);
  if (options.json) console.log(JSON.stringify({ ...facts, rows: rows.map((row) => ({ ...row, met: isMet(row) })) }, null, 2));
  else {
    say(`\n${textTable(rows)}`);
    writeResults(
      join(import.meta.dirname, "README.md"),
      `scale ${options.scale}${all ? "" : `, only ${options.only.join(",")}`}`,
      facts,
      rows,
    );
  }
  if (rows.some((row) => isMet(row) === false)) process.exitCode = 1;
}

let options: Options | undefined;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
if (options?.help === true) console.log(USAGE);
else if (options !== undefined) await bench(options);
