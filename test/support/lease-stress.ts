import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { errnoOf, HoldfastError } from "../../src/kernel/index.ts";
import { sqliteLease, type LeaseKeeper } from "../../src/lease/index.ts";
import { StressCrowd } from "./lease-stress-crowd.ts";
import { followLog, tell, type StressPlan } from "./lease-stress-log.ts";
import { StressReport } from "./lease-stress-report.ts";
import { between, oneIn } from "./lease-stress-work.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface StressOptions {
  /** How long it goes on at least; up to twelve times as long, until everything was tried. */
  readonly seconds: number;
  readonly breaks?: boolean;
  /** Half of the workers live in namespaces of their own. */
  readonly namespaces?: boolean;
  readonly wrong?: StressPlan["wrong"];
  /** Ends as soon as this is true, instead. */
  readonly until?: (report: StressReport) => boolean;
}

const WORKER = fileURLToPath(new URL("./lease-stress-worker.ts", import.meta.url));
const WORKERS = 8;
/** Most of the time of those who are killed again and again would be their start. */
const CACHE = { NODE_COMPILE_CACHE: `${tmpdir()}/holdfast-test-compile-cache-${process.getuid?.() ?? 0}` };
/** The first process of the namespace outlives the worker: what he leaves behind becomes its own, and ends in its time. */
const NAMESPACE = "unshare --pid --fork --kill-child --mount-proc sh -c".split(" ");
const FIRST = 'exec 3<&0; "$@" <&3 3<&- & exec 3<&-; wait "$!"; while kill -0 -1 2>&-; do sleep 0.02; done';

/**
 * Eight processes want one lease, work under it in every way that there is, and are killed, stopped and broken into at
 * random, while an oracle that knows nothing of leases looks who is at work.
 */
export async function stressLease(options: StressOptions): Promise<StressReport> {
  const { seconds, breaks = false, namespaces = false, wrong = null } = options;
  using folder = temporaryFolder();
  const plan: StressPlan = { stateDir: folder.join("state"), folder: folder.path, breaks, namespaces, wrong };
  mkdirSync(plan.stateDir);
  await using keeper = sqliteLease({ stateDir: plan.stateDir, blocking: true });
  const report = new StressReport({ breaks, namespaces });
  const crowd = new StressCrowd(folder.join("log"));
  using log = followLog(folder.join("log"));
  using steps = followLog(folder.join("steps"));
  const look = (): void => {
    for (const event of log.next()) {
      crowd.learn(event);
      report.learn(event);
    }
    for (const event of steps.next()) report.learnStep(event);
  };
  // The store is there before anybody works: what frees it wrongly must not have to make it.
  await takeOnce(keeper);
  const workers = new Workers(plan, crowd, report);
  // Who ends by himself leaves what he compiled to those who are killed.
  spawnSync(process.execPath, [WORKER, JSON.stringify(plan)], { env: { ...process.env, ...CACHE }, input: "" });
  try {
    for (let index = 0; index < WORKERS; index += 1) workers.start(index);
    const started = performance.now();
    const isOver = (): boolean => {
      const passed = (performance.now() - started) / 1000;
      if (options.until !== undefined) return options.until(report) || passed > seconds;
      return (passed > seconds && report.isRich()) || passed > 12 * seconds;
    };
    while (!isOver()) {
      look();
      await mayhem({ plan, keeper, crowd, report });
    }
    crowd.resumeAll();
    await workers.end();
  } finally {
    report.survivors = await crowd.disperse(60_000);
  }
  look();
  const last = await keeper.inspect();
  report.freeInTheEnd = last?.state === "free";
  report.lastGeneration = last?.generation ?? 0;
  report.leftovers = readdirSync(plan.stateDir).filter((name) => name !== "lease" && name !== "lease-generation").length;
  await takeOnce(keeper);
  return report;
}

async function takeOnce(keeper: LeaseKeeper): Promise<void> {
  const answer = await keeper.acquire({ owner: "parent" });
  if (answer.outcome === "held") throw new Error(`The lease is held by nobody who lives: ${JSON.stringify(answer)}`);
  await answer.lease.release();
}

class Workers {
  readonly #plan: StressPlan;
  readonly #crowd: StressCrowd;
  readonly #report: StressReport;
  readonly #running = new Set<ChildProcess>();
  #ending = false;

  constructor(plan: StressPlan, crowd: StressCrowd, report: StressReport) {
    this.#plan = plan;
    this.#crowd = crowd;
    this.#report = report;
  }

  /** Who ends is replaced. */
  start(index: number): void {
    const elsewhere = this.#plan.namespaces && index % 2 === 1;
    const argv = [...(elsewhere ? [...NAMESPACE, FIRST, "sh"] : []), process.execPath, WORKER, JSON.stringify(this.#plan)];
    const child = spawn(argv[0] ?? "", argv.slice(1), {
      env: { ...process.env, ...CACHE, ...this.#crowd.env },
      // The programs around it say who was killed.
      stdio: ["pipe", "ignore", elsewhere ? "ignore" : "inherit"],
    });
    child.stdin?.on("error", () => {});
    this.#running.add(child);
    child.once("exit", (code, signal) => {
      this.#running.delete(child);
      // In a namespace the first process tells of the end of another one in its own way.
      if (!elsewhere && code !== 0 && signal !== "SIGKILL") this.#report.errors.push(`A worker ended with ${code ?? signal}`);
      if (!this.#ending) this.start(index);
    });
  }

  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(
      [...this.#running].map(async (child) => {
        const ended = once(child, "exit");
        child.stdin?.end();
        await ended;
      }),
    );
  }
}

interface Stage {
  readonly plan: StressPlan;
  readonly keeper: LeaseKeeper;
  readonly crowd: StressCrowd;
  readonly report: StressReport;
}

/** One thing that happens to somebody. */
async function mayhem({ plan, keeper, crowd, report }: Stage): Promise<void> {
  if (plan.wrong === "unfenced") {
    await breakIn(keeper, plan, report);
    return await pause(between(20, 120));
  }
  const chosen = crowd.choose();
  if (chosen === null) return await pause(2);
  const { pid, part } = chosen;
  if (plan.wrong === "orphans" && part !== "parent") return await pause(2);
  if (oneIn(plan.breaks ? 2 : 4)) {
    if (crowd.stopFor(pid, part, between(50, 1250))) report.count(report.stopped, part);
  } else if (crowd.kill(pid, part)) report.count(report.killed, part);
  if (plan.breaks && oneIn(2)) await breakIn(keeper, plan, report);
  await pause(between(60, 300));
}

async function breakIn(keeper: LeaseKeeper, { folder }: StressPlan, report: StressReport): Promise<void> {
  try {
    const { before } = await keeper.break();
    if (before !== null) report.broken.add(before.generation);
    tell(join(folder, "log"), before?.generation ?? 0, { e: "break", answer: before === null ? "missing" : "broken" });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === "LEASE_FENCED") report.fenced += 1;
    // A holder who was stopped in the middle of a commit, and not of a step
    else if (error.code !== "LEASE_STORE_BUSY") throw new Error(`break failed: ${errnoOf(error) ?? error.code}`, { cause: error });
  }
}
