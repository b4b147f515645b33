import { join } from "node:path";
import { isMet, isUnjudged, type Row } from "./comparisons.ts";
import { MEMORY_FORMS } from "./memory.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { describeMachine, type Facts, loadNow, textTable, writeResults } from "./report.ts";
import { makeRig } from "./rig.ts";
import { RUNS, SECTIONS } from "./sections.ts";
import { openWorkload, totalBytes } from "./workload.ts";

/** `npm run bench`: the built package beside what else this machine has, on a workload that a seed decides. README.md says how to read it. */

async function bench(options: Options): Promise<void> {
  const say = (line: string): void => {
    if (!options.json) console.log(line);
  };
  say(`Seed ${options.seed}, scale ${options.scale}, ${options.rounds} rounds; ${describeMachine()}`);
  const workload = openWorkload(options.dir, options.seed, options.scale, say);
  say(`${(totalBytes(workload) / 1e6).toFixed(0)} MB: ${JSON.stringify(workload.counts)}`);
  if (options.workloadOnly) return;

  const rows: Row[] = [];
  const all = SECTIONS.every((name) => options.only.includes(name));
  const forms = MEMORY_FORMS.every((form) => options.forms.includes(form)) ? "" : options.forms.join(",");
  const selection = `${all ? "" : ` --only ${options.only.join(",")}`}${forms && ` --forms ${forms}`}`;
  const command = `npm run bench -- --scale ${options.scale} --rounds ${options.rounds}${selection} --seed ${options.seed}`;
  const before = loadNow();
  await using rig = await makeRig(options.dir, workload, { keep: options.keep });
  for (const name of options.only) {
    say(`Measuring: ${name}`);
    rows.push(...(await RUNS[name](rig, options)));
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
      `scale ${options.scale}${all ? "" : `, only ${options.only.join(",")}`}${forms && `, ${forms}`}`,
      facts,
      rows,
    );
  }
  const unjudged = rows.filter(isUnjudged);
  if (unjudged.length > 0) console.error(`\nNot judged: ${unjudged.map(({ what }) => what).join("; ")}`);
  if (rows.some((row) => isMet(row) === false) || (options.named && unjudged.length > 0)) process.exitCode = 1;
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
