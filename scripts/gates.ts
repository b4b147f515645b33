import { spawn } from "node:child_process";
import { delimiter, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Everything that holds without running the program, one gate after the other, quick ones first. A gate passes when its
 * tool says so with its exit code and says how many things it looked at, and that is not none: a tool that finds nothing
 * to look at is content with everything. `npm run check -- lint rooms` runs only those.
 */
interface Gate {
  readonly name: string;
  readonly argv: readonly string[];
  readonly unit: string;
  /** How many things the tool looked at, read from its output. */
  readonly looked: (output: string) => number;
  /** What the tool prints for counting only. */
  readonly noise?: (line: string) => boolean;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = `${sep}node_modules${sep}`;

function ownFile(line: string): boolean {
  return line.startsWith(root + sep) && !line.includes(modules);
}
function numberAfter(pattern: RegExp): (output: string) => number {
  return (output) => Number(pattern.exec(output)?.[1] ?? 0);
}

const GATES: readonly Gate[] = [
  {
    name: "rooms",
    argv: ["node", "scripts/check-rooms.ts"],
    unit: "imports",
    looked: numberAfter(/check-rooms: \d+ files, (\d+) imports/),
  },
  { name: "language", argv: ["node", "scripts/check-language.ts"], unit: "files", looked: numberAfter(/language: (\d+) files/) },
  { name: "format", argv: ["oxfmt", "--check"], unit: "files", looked: numberAfter(/ on (\d+) files/) },
  { name: "lint", argv: ["oxlint", "--deny-warnings"], unit: "files", looked: numberAfter(/ on (\d+) files with [1-9]\d* rules/) },
  {
    name: "types",
    argv: ["tsc", "--listFiles"],
    unit: "files",
    looked: (output) => output.split("\n").filter(ownFile).length,
    noise: (line) => line.startsWith(sep),
  },
  {
    name: "unused",
    argv: ["knip", "--no-progress", "--reporter", "symbols", "--reporter", "./scripts/knip-count.ts"],
    unit: "files",
    looked: numberAfter(/knip: (\d+) files/),
  },
  {
    name: "reference",
    argv: ["node", "scripts/generate-reference.ts", "--check"],
    unit: "pages",
    looked: numberAfter(/reference: (\d+) pages/),
  },
  { name: "package", argv: ["node", "scripts/check-package.ts"], unit: "files", looked: numberAfter(/package: (\d+) files, [1-9]/) },
];

async function run(argv: readonly string[]): Promise<{ exitCode: number | null; output: string }> {
  const [program = "", ...args] = argv;
  const path = [dirname(process.execPath), join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
  const child = spawn(program, args, { cwd: root, env: { ...process.env, PATH: path, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { exitCode, output };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !GATES.some((gate) => gate.name === name));
if (unknown.length > 0) throw new Error(`No such gate: ${unknown.join(", ")}; there are ${GATES.map((gate) => gate.name).join(", ")}`);

let failed = 0;
for (const gate of GATES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const begun = performance.now();
  const { exitCode, output } = await run(gate.argv);
  const looked = gate.looked(output);
  const passed = exitCode === 0 && looked > 0;
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(
    `${passed ? "ok  " : "FAIL"} ${gate.name.padEnd(10)} ${String(looked).padStart(5)} ${gate.unit.padEnd(8)} ${seconds.padStart(5)} s`,
  );
  if (passed) continue;
  failed += 1;
  const told = output.split("\n").filter((line) => gate.noise?.(line) !== true);
  console.log(`${told.join("\n").trimEnd()}\n${exitCode === 0 ? "The tool looked at nothing" : `Exit code ${exitCode}`}\n`);
}
console.log(failed === 0 ? "All gates passed" : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
