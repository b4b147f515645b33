/** The program behind orchestratorProcess(): one command a line on standard input as JSON, one line of answer to each. */
import { createInterface } from "node:readline";
import { bePresent, openLedger, type RunEnd } from "../../src/ledger/index.ts";
import { sqliteLease } from "../../src/lease/index.ts";
import { Orchestrator, Services, type Log } from "../../src/orchestrator/index.ts";
import type { OrchestratorCommand, OrchestratorSetting } from "./orchestrator-process.ts";
import type { Line } from "./task-stage.ts";

const { stateDir, cwd, tasks = [], services = [], maxDeferral = null } = JSON.parse(process.argv[2] ?? "") as OrchestratorSetting;
const lines: Line[] = [];
const log: Log = (level, message, about) => void lines.push({ level, message, task: about?.task });
const ends: Promise<RunEnd>[] = [];
let now = 0;
const common = {
  stateDir,
  cwd,
  env: { PATH: process.env["PATH"] },
  ledger: openLedger(stateDir, (text) => log("warn", text)),
  presence: bePresent(stateDir),
  clock: { now: () => now },
  log,
  grace: 2000,
};
const keeper = sqliteLease({ stateDir, blocking: false });
const orchestrator = new Orchestrator({ ...common, instance: "stage", tasks, keeper, maxDeferral, maxHold: 3_600_000 });
const kept = new Services({ ...common, services, awaitReady: async () => null });

async function obey(command: OrchestratorCommand): Promise<unknown> {
  switch (command.do) {
    case "poll": {
      ({ now } = command);
      const started = await orchestrator.poll();
      ends.push(...started.map(({ end }) => end));
      return started.map(({ task }) => task.name);
    }
    case "services":
      return await kept.poll();
    case "ends":
      return await Promise.all(ends);
    case "lines":
      return lines;
    case "close":
      return await Promise.all([orchestrator.close(), kept.close()]);
    default:
      throw new Error(`Unknown command ${JSON.stringify(command satisfies never)}`);
  }
}

console.log(JSON.stringify({ result: null }));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ result: (await obey(JSON.parse(line) as OrchestratorCommand)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ result: null, error: error instanceof Error ? error.stack : String(error) }));
  }
}
process.exit(0);
