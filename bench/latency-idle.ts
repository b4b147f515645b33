import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openLedger } from "../src/ledger/index.ts";
import { benchInstance, type BenchDaemon, processorTime, residentSet } from "./latency-daemon.ts";
import type { LatencyRow } from "./latency-report.ts";

const TASKS = 1000;
/** Two polls. Milliseconds. */
const WATCHED = 6000;
/** What a daemon does as it starts is over by then. Milliseconds. */
const SETTLING = 40_000;
const HOUR = 3_600_000;

/** What a daemon takes that has nothing to do, and one that looks after a thousand tasks of which none is due. */
export async function idle(folder: string, rounds: number, say: (line: string) => void): Promise<LatencyRow[]> {
  say("Building the package");
  await using plain = await startIdle(join(folder, "plain"), 0);
  await using many = await startIdle(join(folder, "many"), TASKS);
  say("Waiting until both daemons have settled");
  await pause(SETTLING);
  const found = { memory: [] as number[], processor: [] as number[], memoryOfMany: [] as number[], processorOfMany: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    say(`Measuring: idle, round ${round + 1} of ${rounds}`);
    const before = { at: performance.now(), plain: processorTime(plain.pid), many: processorTime(many.pid) };
    await pause(WATCHED);
    const share = (used: number): number => (used / (performance.now() - before.at)) * 100;
    found.processor.push(share(processorTime(plain.pid) - before.plain));
    found.processorOfMany.push(share(processorTime(many.pid) - before.many));
    found.memory.push(residentSet(plain.pid) / 1e6);
    found.memoryOfMany.push(residentSet(many.pid) / 1e6);
  }
  return [
    { what: "resident memory of an idle daemon", values: found.memory, unit: "MB", judged: "worst", must: 130 },
    { what: "processor time of an idle daemon, of one core", values: found.processor, unit: "%", judged: "median", must: 0.3 },
    {
      what: "processor time with 1,000 tasks and none due, of one core",
      values: found.processorOfMany,
      unit: "%",
      judged: "median",
      must: 1,
    },
    { what: "resident memory with 1,000 tasks", values: found.memoryOfMany, unit: "MB", judged: "worst", must: null },
  ];
}

async function startIdle(folder: string, tasks: number): Promise<BenchDaemon> {
  const instance = await benchInstance(folder, `components:\n  state: { path: data }\n${tasksOf(tasks)}`, "compression: true");
  mkdirSync(join(folder, "data"));
  for (let file = 0; file < 20; file += 1) writeFileSync(join(folder, "data", `${file}.json`), `{"file":${file}}\n`);
  mkdirSync(instance.stateDir, { mode: 0o700 });
  haveRun(instance.stateDir, tasks);
  return await instance.daemon();
}

const nameOf = (task: number): string => `task-${String(task).padStart(4, "0")}`;

/** By turns a duration and a cron expression that names another time of the day, none within hours from now. */
function tasksOf(count: number): string {
  if (count === 0) return "";
  const hour = new Date(Date.now() + 12 * HOUR).getUTCHours();
  const lines = Array.from({ length: count }, (_, task) => {
    const when = task % 2 === 0 ? `every: ${12 + (task % 7)}h` : `cron: "${task % 60} ${(hour + (task % 5)) % 24} * * *", timezone: UTC`;
    return `  ${nameOf(task)}: { command: ["true"], ${when}, heavy: ${task % 3 === 0} }`;
  });
  return `tasks:\n${lines.join("\n")}`;
}

/** What has never run would be due within seconds. */
function haveRun(stateDir: string, tasks: number): void {
  using ledger = openLedger(stateDir, console.error);
  const now = Date.now();
  ledger.ensureTasks(
    Array.from({ length: tasks }, (_, task) => nameOf(task)),
    now,
  );
  for (let task = 0; task < tasks; task += 2) {
    const run = ledger.claim({ task: nameOf(task), kind: "task", trigger: "bench", now, presence: "bench", lastRunAt: "any" });
    const end = {
      outcome: "completed",
      reasonCode: null,
      reason: null,
      exitCode: 0,
      signal: null,
      lastLines: null,
      backupId: null,
    } as const;
    if (run !== null) ledger.end(run, end, now);
  }
}
