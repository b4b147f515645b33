import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readBank } from "../test/support/bank.ts";
import { writerProcess } from "../test/support/writer-process.ts";
import { writeTree } from "../test/support/write-tree.ts";

/**
 * `npm run quickstart`: a small agent whose database another process keeps writing to, protected, looked at, and restored
 * into another folder, with the commands that a user would type. Everything lies in holdfast-quickstart/ of the checkout.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "holdfast-quickstart");
const agent = join(folder, "agent");
const MARK = "made-by-quickstart";

function step(text: string): void {
  console.log(`\n# ${text}`);
}

function holdfast(...args: string[]): void {
  console.log(`$ holdfast ${args.map((argument) => (argument.startsWith(folder) ? relative(root, argument) : argument)).join(" ")}`);
  const { status } = spawnSync(process.execPath, [join(root, "bin/holdfast.js"), ...args], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`holdfast ${args[0]} ended with ${status}`);
}

function makeAgent(): void {
  if (existsSync(folder)) {
    if (!existsSync(join(folder, MARK))) throw new Error(`"${folder}" is not from an earlier quickstart; move it away first`);
    rmSync(folder, { recursive: true });
  }
  mkdirSync(folder);
  writeFileSync(join(folder, MARK), "");
  const notes = Array.from({ length: 40 }, (_, index): [string, string] => [`memory/note-${index + 1}.md`, `# Note ${index + 1}\n\n${"What the agent has learned. ".repeat(20)}\n`]);
  const checkpoints = Array.from({ length: 5 }, (_, index): [string, string] => [`checkpoints/step-${index + 1}.json`, `${JSON.stringify({ step: index + 1, plan: ["read", "think", "act"] })}\n`]);
  writeTree(agent, {
    "company.yaml": "name: quickstart\nagents: 3\n",
    "state.json": '{ "tasks": [{ "id": 1, "state": "running" }] }\n',
    ...Object.fromEntries([...notes, ...checkpoints]),
  });
}

makeAgent();
mkdirSync(join(agent, "data"));
step(`An agent with memory, checkpoints, state, and a database that another process writes to, in ${relative(root, agent)}`);
await using writer = await writerProcess(join(agent, "data/agent.db"), { tps: 200 });
await writer.waitFor(50);

step("Detect what is there, write holdfast.yaml, back up, read back, prove by a restore into scratch");
holdfast("protect", agent, "--vault", join(folder, "backups"));
const config = ["--config", join(agent, "holdfast.yaml")];

step("What is safe?");
holdfast("status", ...config);

step("The bytes back, in another folder; the agent goes on writing");
const restored = join(folder, "restored");
holdfast("restore", "latest", "--to", restored, ...config);

step("Is it whole?");
const database = readdirSync(restored, { recursive: true, encoding: "utf8" }).find((path) => path.endsWith("agent.db"));
if (database === undefined) throw new Error("The restored folder holds no database");
const { last } = readBank(join(restored, database));
const note = readdirSync(restored, { recursive: true, encoding: "utf8" }).find((path) => path.endsWith("note-40.md"));
if (note === undefined || !readFileSync(join(restored, note)).equals(readFileSync(join(agent, "memory/note-40.md")))) {
  throw new Error("The restored memory differs");
}
console.log(`The restored database holds transactions 1 to ${last}, none torn; the agent has committed ${writer.committed()} by now.`);
console.log(`Look around in ${relative(root, folder)}/, or: npx holdfast --help`);
