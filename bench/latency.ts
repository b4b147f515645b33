import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { busy } from "./latency-busy.ts";
import { idle } from "./latency-idle.ts";
import { lease } from "./latency-lease.ts";
import { page } from "./latency-page.ts";
import { judge, type LatencyFacts, type LatencyRow, latencyTable, writeLatency } from "./latency-report.ts";
import { describeMachine, loadNow } from "./report.ts";

/** `npm run bench:latency`: what waits for the lease, and what it costs who does not; what the daemon takes, and how fast it answers. README.md has the results. */

/** A section has a table of its own in the README, and leaves those of others. */
const SECTIONS: Readonly<Record<string, (folder: string, rounds: number, say: (line: string) => void) => Promise<LatencyRow[]>>> = {
  lease,
  idle,
  page,
  busy,
};

const USAGE = `npm run bench:latency -- [options]

  --rounds N     rounds of which the median is taken, 1 to 100 (11)
  --only A,B     of ${Object.keys(SECTIONS).join(", ")} (all)
  --dir FOLDER   where the files of the run are made, on the disk that is measured (holdfast-bench in the temporary folder)
  --json         print one JSON document, and leave the README as it is`;

interface LatencyOptions {
  readonly rounds: number;
  readonly only: readonly string[];
  readonly dir: string;
  readonly json: boolean;
  readonly help: boolean;
}

function parseOptions(args: readonly string[]): LatencyOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "11" },
      only: { type: "string", default: Object.keys(SECTIONS).join(",") },
      dir: { type: "string", default: join(tmpdir(), "holdfast-bench") },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (!/^([1-9]\d?|100)$/.test(values.rounds)) throw new Error(`--rounds is a whole number from 1 to 100, not "${values.rounds}"`);
  const only = values.only.split(",");
  for (const name of only)
    if (!Object.hasOwn(SECTIONS, name)) throw new Error(`--only knows ${Object.keys(SECTIONS).join(", ")}, not "${name}"`);
  return { rounds: Number(values.rounds), only, dir: resolve(values.dir), json: values.json, help: values.help };
}

async function bench({ rounds, only, dir, json }: LatencyOptions): Promise<void> {
  const say = (line: string): void => {
    if (!json) console.log(line);
  };
  mkdirSync(dir, { recursive: true });
  const home = mkdtempSync(join(dir, "latency-"));
  process.once("exit", () => rmSync(home, { recursive: true, force: true }));
  process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
  say(describeMachine());
  const documents = [];
  for (const section of only) {
    const folder = join(home, section);
    mkdirSync(folder);
    const before = loadNow();
    const findings = ((await SECTIONS[section]?.(folder, rounds, say)) ?? []).map((row) => judge(row));
    const facts: LatencyFacts = {
      command: `npm run bench:latency -- --rounds ${rounds} --only ${section}`,
      rounds,
      day: new Date().toISOString().slice(0, 10),
      machine: describeMachine(),
      load: [before, loadNow()],
    };
    documents.push({ section, ...facts, findings });
    say(`\n${latencyTable(findings)}\n`);
    if (!json) writeLatency(join(import.meta.dirname, "README.md"), section, facts, findings);
    if (findings.some(({ ok }) => ok === false)) process.exitCode = 1;
  }
  if (json) console.log(JSON.stringify(documents, null, 2));
}

let options: LatencyOptions | undefined;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`bench:latency: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
if (options?.help === true) console.log(USAGE);
else if (options !== undefined) await bench(options);
