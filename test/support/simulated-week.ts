import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import { errnoOf } from "../../src/kernel/index.ts";
import type { RunRecord, SqliteLedger } from "../../src/ledger/index.ts";
import type { RunningProgram } from "./daemon-program.ts";
import { counting, daemonStage, holding, shell, type DaemonStage } from "./daemon-stage.ts";
import { documentOf } from "./instance.ts";
import { mountAt } from "./mount.ts";
import { ToldClock, untilTrue } from "./told-clock.ts";
import { WEEK_TROUBLES, WeekReport, type WeekTrouble } from "./week-report.ts";
import { seededRandom } from "./seeded-random.ts";
import { WEEK_ZONE, weekSlots } from "./week-slots.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Of the vault. */
const DISK = 64_000_000;
const STRIKES: ReadonlySet<WeekTrouble> = new Set(["engine killed", "daemon killed in a backup", "daemon stopped in a backup"]);

export interface WeekOptions {
  readonly seed: number;
  /** In Berlin. */
  readonly from: number;
  readonly hours: number;
  /** Hours from one due time to the next. */
  readonly every: number;
  /** Minutes that the clock goes on at once. */
  readonly step: number;
}

/**
 * Days of a daemon under a clock that a test tells it, in minutes: it is restarted and killed, and so are its backups, its
 * component is away for a while, its vault's disk is full, its lease is held, at every due time something else. What
 * must be true in the end is in the report.
 */
export async function simulateWeek(options: WeekOptions, test: Pick<TestContext, "skip">): Promise<WeekReport> {
  const { every, from } = options;
  await using stage = daemonStage({
    backup: `on_startup: false, schedule: "0 */${every} * * *", timezone: ${WEEK_ZONE}, retention: { max_count: 1000, max_age_days: 3650 }`,
    tasks: [
      `  summary: { command: ${shell(counting("summary"))}, every: 5h }`,
      `  tick: { command: ${shell(counting("tick"))}, every: 3h }`,
    ].join("\n"),
  });
  mkdirSync(stage.vault);
  using disk = mountAt(stage.vault, ["-t", "tmpfs", "-o", `size=${DISK},mode=0700`, "holdfast-test"], test);
  expect(disk).toBeDefined();
  const clock = new ToldClock(stage.join("clock"), from);
  using ledger = stage.ledger();
  const week = new Week(stage, clock, ledger, options);
  await week.run();
  return week.report;
}

class Week {
  readonly report: WeekReport;
  readonly #stage: DaemonStage;
  readonly #clock: ToldClock;
  readonly #ledger: SqliteLedger;
  readonly #options: WeekOptions;
  readonly #random: () => number;
  readonly #until: number;
  /** What goes on, and how it ends, at which instant. */
  readonly #troubles: Map<WeekTrouble, { readonly until: number; readonly end: () => Promise<void> }> = new Map();
  #plan: WeekTrouble[] = [];
  #daemon: RunningProgram | null = null;
  #downUntil = 0;
  #downSince = 0;
  #holds = 0;

  constructor(stage: DaemonStage, clock: ToldClock, ledger: SqliteLedger, options: WeekOptions) {
    this.#stage = stage;
    this.#clock = clock;
    this.#ledger = ledger;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#until = options.from + options.hours * HOUR;
    this.report = new WeekReport(options.seed);
    this.report.slots = weekSlots(options.every, options.from + 1, this.#until);
  }

  async run(): Promise<void> {
    await this.#start();
    for (const [index, slot] of this.report.slots.entries()) {
      const next = this.report.slots[index + 1] ?? this.#until;
      await this.#through(slot, next, this.#nextTrouble(index));
      if (this.#daemon === null && this.#downSince <= slot) this.report.down.add(slot);
    }
    for (const trouble of this.#troubles.keys()) await this.#end(trouble);
    if (this.#daemon === null) await this.#start();
    await this.#tick();
    await this.#attended(this.report.slots.at(-1) ?? 0);
    await this.#stop("SIGTERM", 0);
    await this.#look();
  }

  /** From the step before a due time to the one before the next. */
  async #through(slot: number, next: number, trouble: WeekTrouble): Promise<void> {
    const { step } = this.#options;
    await this.#begin(trouble, slot, next);
    let strikes = STRIKES.has(trouble);
    while (this.#clock.now < next - step * MINUTE) {
      await this.#tick();
      if (this.#clock.now < slot) continue;
      await this.#attended(slot);
      if (strikes) strikes = !(await this.#strike(trouble));
      await this.#settled();
      await this.#listen(slot);
    }
  }

  /** Each of them once, in an order of its own, before any comes again; now and then the daemon is away for long. */
  #nextTrouble(index: number): WeekTrouble {
    if (index === 14) return "outage";
    if (this.#plan.length === 0) {
      this.#plan = [...WEEK_TROUBLES];
      for (let n = this.#plan.length - 1; n > 0; n -= 1) {
        const other = Math.floor(this.#random() * (n + 1));
        [this.#plan[n], this.#plan[other]] = [this.#plan[other] ?? "outage", this.#plan[n] ?? "outage"];
      }
    }
    return this.#plan.pop() ?? "outage";
  }

  async #begin(trouble: WeekTrouble, slot: number, next: number): Promise<void> {
    const { every } = this.#options;
    await this.#end(trouble);
    // Past the due time, and now and then past the next one.
    const until = slot + (0.2 + this.#random()) * (next - slot);
    const vault = (name: string): string => `${this.#stage.vault}/${name}`;
    const state = this.#stage.join("data", "state.json");
    if (trouble === "component missing") {
      renameSync(state, `${state}.away`);
      this.#troubles.set(trouble, { until, end: async () => renameSync(`${state}.away`, state) });
    } else if (trouble === "vault full") {
      const { bavail, bsize } = statfsSync(this.#stage.vault);
      writeFileSync(vault("filler"), Buffer.alloc(bavail * bsize));
      this.#troubles.set(trouble, { until, end: async () => rmSync(vault("filler")) });
    } else if (trouble === "lease held") {
      this.#troubles.set(trouble, { until, end: await this.#hold() });
    } else if (this.#daemon === null) {
      return;
    } else if (trouble === "restart" || trouble === "kill") {
      // Away before it is due, and back before or after.
      await this.#stop(trouble === "kill" ? "SIGKILL" : "SIGTERM", Math.floor(this.#random() * 1.3 * every * HOUR));
    } else if (trouble === "outage") {
      await this.#stop("SIGKILL", 2.3 * every * HOUR);
    } else return;
    this.report.count(trouble);
  }

  async #end(trouble: WeekTrouble): Promise<void> {
    const going = this.#troubles.get(trouble);
    this.#troubles.delete(trouble);
    await going?.end();
  }

  /** @returns what lets go of the lease */
  async #hold(): Promise<() => Promise<void>> {
    this.#holds += 1;
    const name = `script-${this.#holds}`;
    const program = this.#stage.start(["lease", "run", "--owner", "script", "--wait", "60s", "--", "sh", "-c", holding(name)]);
    await this.#stage.begun(name, 1);
    return async () => {
      this.#stage.letGo(name);
      const { exitCode } = await program.ended;
      if (exitCode !== 0) this.report.flaws.push(`a script under the lease ended with ${exitCode}: ${program.stderr()}`);
    };
  }

  async #tick(): Promise<void> {
    const { step } = this.#options;
    this.#clock.set(this.#clock.now + step * MINUTE);
    for (const [trouble, { until }] of this.#troubles) if (this.#clock.now >= until) await this.#end(trouble);
    if (this.#daemon === null && this.#clock.now >= this.#downUntil) await this.#start();
    if (this.#daemon !== null) await this.#clock.seenBy(this.#daemon.pid);
  }

  async #start(): Promise<void> {
    this.#daemon = await this.#stage.daemon({ env: this.#clock.env });
  }

  async #stop(signal: "SIGTERM" | "SIGKILL", away: number): Promise<void> {
    if (this.#daemon === null) return;
    const { exitCode } = await this.#daemon.end(signal);
    if (signal === "SIGTERM" && exitCode !== 0) this.report.flaws.push(`the daemon ended with ${exitCode}: ${this.#daemon.stdout()}`);
    this.#daemon = null;
    this.#downSince = this.#clock.now;
    this.#downUntil = this.#clock.now + away;
  }

  /** What is due runs, has run, or is deferred: that much a daemon does at once. */
  async #attended(slot: number): Promise<void> {
    if (this.#daemon === null) return;
    const isAttended = (): boolean => {
      const runs = this.#runs();
      return runs.some(({ startedAt, outcome }) => startedAt >= slot || outcome === "running") || this.#isDeferred();
    };
    await untilTrue(isAttended, `${this.#name(slot)} is attended to`);
  }

  #runs(): readonly RunRecord[] {
    for (const run of this.#ledger.history(null, 30)) this.report.runs.set(run.id, run);
    return [...this.report.runs.values()].filter(({ task }) => task === "backup").toSorted((a, b) => a.id - b.id);
  }

  #isDeferred(): boolean {
    return this.#ledger.streaks().some(({ task }) => task === "backup");
  }

  /** Strikes once while a backup runs, somewhere between its first moment and its last. */
  async #strike(trouble: WeekTrouble): Promise<boolean> {
    await sleep(this.#random() * 400);
    const child = this.#runs().find(({ outcome }) => outcome === "running")?.child;
    if (this.#daemon === null || child === null || child === undefined) return false;
    if (trouble === "engine killed") {
      if (!hasKilled(child.pid)) return false;
    } else await this.#stop(trouble === "daemon killed in a backup" ? "SIGKILL" : "SIGTERM", this.#random() * HOUR);
    this.report.count(trouble);
    return true;
  }

  async #settled(): Promise<void> {
    if (this.#daemon === null) return;
    await untilTrue(() => this.#runs().every(({ outcome }) => outcome !== "running"), "no backup runs");
  }

  /** What is wrong must be said at once, and by a daemon that is away as well once two are due. */
  async #listen(slot: number): Promise<void> {
    if (this.report.alarms.has(slot)) return;
    const last = this.#runs().at(-1);
    const isDone = last !== undefined && last.startedAt >= slot && last.outcome === "completed";
    if (isDone || (this.#daemon === null && this.#downUntil - this.#downSince < 2 * this.#options.every * HOUR)) return;
    const { stdout } = await this.#stage.runWith({ env: this.#clock.env }, "status", "--json");
    const status = JSON.parse(stdout) as StatusTold;
    const task = status.tasks.find(({ name }) => name === "backup");
    const told = [
      ...(status.failedRun === null ? [] : [`the newest run failed: ${status.failedRun.code}`]),
      ...(task?.deferral === null || task === undefined ? [] : [`deferred: ${task.deferral.reason}`]),
      ...status.components.flatMap(({ problem }) => (problem?.startsWith("overdue") === true ? [problem] : [])),
    ];
    if (told.length > 0) this.report.alarms.set(slot, told.join("; "));
  }

  /** At the end of everything. */
  async #look(): Promise<void> {
    const run = async (...args: string[]): ReturnType<DaemonStage["run"]> => await this.#stage.runWith({ env: this.#clock.env }, ...args);
    const list = documentOf<ListTold>(await run("backup", "list", "--json"), 0);
    this.report.backups = list.backups
      .filter(({ trigger }) => trigger === "scheduled")
      .map(({ id, timestamp, sequence }) => ({ id, sequence, time: Date.parse(timestamp) }));
    const wrong = [list.missing, list.damaged, list.chain, list.unfinished].flat();
    if (wrong.length > 0) this.report.flaws.push(`the vault is not as it should be: ${JSON.stringify(wrong)}`);
    const numbers = list.backups.map(({ sequence }) => sequence).toSorted((a, b) => a - b);
    if (numbers.some((number, index) => number !== index + 1)) this.report.flaws.push(`numbers have holes: ${numbers.join(" ")}`);
    const verified = await run("verify", "--all");
    if (verified.exitCode !== 0) this.report.flaws.push(`verify ended with ${verified.exitCode}: ${verified.stdout}`);
    const { lease } = documentOf<{ lease: { state: string } }>(await run("lease", "status", "--json"), 0);
    if (lease.state !== "free") this.report.flaws.push(`the lease is ${lease.state}`);
    for (const { id, outcome } of this.#runs()) if (outcome === "running") this.report.flaws.push(`run ${id} never ended`);
    await untilTrue(() => this.#stage.processes().length === 0, "nothing is left running");
  }

  #name(slot: number): string {
    return `seed ${this.#options.seed}: what is due at ${new Date(slot).toISOString()}`;
  }
}

interface StatusTold {
  readonly failedRun: { readonly code: string | null } | null;
  readonly tasks: readonly {
    readonly name: string;
    readonly deferral: { readonly reason: string } | null;
  }[];
  readonly components: readonly { readonly problem: string | null }[];
}

interface ListTold {
  readonly backups: readonly { readonly id: string; readonly trigger: string; readonly timestamp: string; readonly sequence: number }[];
  readonly missing: readonly number[];
  readonly damaged: readonly unknown[];
  readonly chain: readonly unknown[];
  readonly unfinished: readonly unknown[];
}

/** A backup may have ended since it was looked for. */
function hasKilled(group: number): boolean {
  try {
    process.kill(-group, "SIGKILL");
    return true;
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return false;
    throw error;
  }
}
