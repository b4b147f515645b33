import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { RunDocument } from "../src/contract/index.ts";
import { benchInstance, type BenchDaemon } from "./latency-daemon.ts";
import type { LatencyRow } from "./latency-report.ts";
import { DEFAULT_SEED, openWorkload } from "./workload.ts";

/** Of the workload: 300 MB of state, half of it in a database. */
const SCALE = 0.3;
/** How long /health is asked without a backup in a round. Milliseconds. */
const WATCHED = 4000;
/** Between two requests: somebody who probes, and not somebody who loads. Milliseconds. */
const BREATH = 2;
/** How often it is looked whether the backup has ended. Milliseconds. */
const LOOK = 200;

/** What /health takes at its slower moments, while a backup runs in its engine child and while none does. */
export async function busy(folder: string, rounds: number, say: (line: string) => void): Promise<LatencyRow[]> {
  say("Building the package");
  const { root } = openWorkload(join(folder, "workload"), DEFAULT_SEED, SCALE, say);
  const yaml = `components:
  persistence: { path: ${JSON.stringify(join(root, "data", "agent.db"))} }
  memory: { path: ${JSON.stringify(join(root, "memory"))} }
  checkpoints: { path: ${JSON.stringify(join(root, "checkpoints"))} }
  logs: { path: ${JSON.stringify(join(root, "logs"))} }`;
  const instance = await benchInstance(
    join(folder, "busy"),
    yaml,
    "compression: true, enabled: false, on_startup: false, on_shutdown: false",
  );
  await using daemon = await instance.daemon();
  const found: Record<"quiet" | "quietWorst" | "busy" | "worst", number[]> = { quiet: [], quietWorst: [], busy: [], worst: [] };
  for (let round = 0; round < rounds; round += 1) {
    say(`Measuring: busy, round ${round + 1} of ${rounds}`);
    const end = performance.now() + WATCHED;
    const quiet = await healthUntil(daemon, async () => performance.now() >= end);
    const begun = await daemon.ask("POST", "/api/v1/admin/backup", {});
    if (begun.status !== 202) throw new Error(`The backup did not begin: ${begun.body}`);
    const { run_id } = JSON.parse(begun.body) as { run_id: string };
    const during = await healthUntil(daemon, async () => await hasEnded(daemon, run_id));
    found.quiet.push(percentile(quiet, 0.99));
    found.quietWorst.push(Math.max(...quiet));
    found.busy.push(percentile(during, 0.99));
    found.worst.push(Math.max(...during));
  }
  return [
    { what: "99th percentile of GET /health", values: found.quiet, judged: "median", must: null },
    {
      what: "the same while a backup of 300 MB runs, beside it",
      values: found.busy,
      beside: found.quiet,
      counted: "times",
      judged: "ratio",
      must: 3,
    },
    { what: "the slowest of a round without it", values: found.quietWorst, judged: "median", must: null },
    { what: "the slowest while it runs", values: found.worst, judged: "median", must: null },
  ];
}

/** One request after the other until it is over. */
async function healthUntil(daemon: BenchDaemon, over: () => Promise<boolean>): Promise<number[]> {
  const took: number[] = [];
  for (let next = performance.now() + LOOK; ;) {
    const answer = await daemon.ask("GET", "/health");
    if (answer.status !== 200) throw new Error(`GET /health was answered with ${answer.status}`);
    took.push(answer.took);
    await pause(BREATH);
    if (performance.now() < next) continue;
    if (await over()) return took;
    next = performance.now() + LOOK;
  }
}

async function hasEnded(daemon: BenchDaemon, run: string): Promise<boolean> {
  const { outcome, reason } = JSON.parse((await daemon.ask("GET", `/api/v1/runs/${run}`)).body) as RunDocument;
  if (outcome !== "running" && outcome !== "completed") throw new Error(`The backup ${outcome}: ${reason}`);
  return outcome === "completed";
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
