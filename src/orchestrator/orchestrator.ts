import type { Held, Lease, LeaseKeeper } from "../lease/index.ts";
import type { Presence, RunEnd, SqliteLedger, TaskRecord } from "../ledger/index.ts";
import type { Clock } from "../kernel/index.ts";
import { behindHolder, behindTask, REASON_CODES, type Deferral } from "./deferral.ts";
import { dueTask, inOrder, lookAtTask, withoutWaiting, type DueTask } from "./due-tasks.ts";
import { HolderWatch } from "./holder-watch.ts";
import { closeInterrupted } from "./interrupted.ts";
import type { Log } from "./log.ts";
import { noticeChange, reasonOf } from "./schedule/index.ts";
import { Starvation } from "./starvation.ts";
import { supervise, type Supervised } from "./supervise.ts";
import type { Task } from "./task.ts";

export interface OrchestratorParts {
  readonly instance: string;
  readonly stateDir: string;
  /** Where commands run. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly tasks: readonly Task[];
  readonly ledger: SqliteLedger;
  readonly presence: Presence;
  readonly keeper: LeaseKeeper;
  readonly clock: Clock;
  readonly log: Log;
  /** null: one cadence, at least an hour. Milliseconds. */
  readonly maxDeferral: number | null;
  readonly maxHold: number;
  /** From TERM to KILL, for what is stopped. Milliseconds. */
  readonly grace: number;
}

export interface RunNowOptions {
  /** Milliseconds to wait for another holder of the lease. */
  readonly wait: number;
  /** Of the lease that this process was started under: it is joined. */
  readonly token: string | null;
  readonly onWaiting: (held: Held) => void;
}

export interface Started {
  readonly task: Task;
  readonly end: Promise<RunEnd>;
}

interface Active {
  readonly task: Task;
  readonly since: number;
  readonly stop: AbortController;
  supervised: Supervised | null;
  asked: boolean;
  readonly end: Promise<RunEnd>;
}

/** From a child that said it was deferred to the next attempt, at most. Milliseconds. */
const AFTER_DEFERRED_CHILD = 60_000;

/** Looks at what is due, and lets it run: heavy tasks one at a time over all processes, and nobody starves unseen. */
export class Orchestrator {
  readonly #parts: OrchestratorParts;
  readonly #active: Map<string, Active> = new Map();
  readonly #starvation: Starvation;
  readonly #watch: HolderWatch;
  #closed = false;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
    this.#starvation = new Starvation(parts);
    this.#watch = new HolderWatch(parts);
  }

  /** Tasks of this process that have not ended. */
  get running(): readonly string[] {
    return [...this.#active.keys()];
  }

  /** One look at what is due. Starts what may start and waits for none of it; one lane's failure stops no other. */
  async poll(): Promise<readonly Started[]> {
    if (this.#closed) return [];
    const { ledger, tasks, clock, log } = this.#parts;
    const now = clock.now();
    ledger.ensureTasks(
      tasks.map(({ name }) => name),
      now,
    );
    this.#tidy(now);
    const records = new Map(ledger.tasks().map((record) => [record.name, record]));
    const running = new Set([...this.#active.keys(), ...ledger.running().map(({ task }) => task)]);
    const due = tasks.flatMap((task) => {
      try {
        const record = records.get(task.name);
        return record === undefined || running.has(task.name) ? [] : this.#look(task, record, now);
      } catch (error) {
        log("error", `Cannot tell when ${task.label} is due: ${messageOf(error)}`, { task: task.name });
        return [];
      }
    });
    await this.#askToYield();
    await this.#starvation.look(due, now);
    const started: Started[] = [];
    let heavyOfThisPoll: Task | null = null;
    for (const one of withoutWaiting(inOrder(due, this.#starvation.reserved), running)) {
      // oxlint-disable-next-line no-await-in-loop -- the first that starts keeps the others from it
      const start = await this.#tryStart(one, heavyOfThisPoll, now);
      if (start === null) continue;
      started.push(start);
      if (one.task.heavy) heavyOfThisPoll = one.task;
    }
    return started;
  }

  /** Runs that nobody supervises any more, and streaks of tasks that are not configured any more. */
  #tidy(now: number): void {
    const { ledger, tasks } = this.#parts;
    closeInterrupted(this.#parts, (task) => this.#active.has(task));
    for (const { task } of ledger.streaks()) if (tasks.every(({ name }) => name !== task)) ledger.closeStreak(task, now);
  }

  #look(task: Task, record: TaskRecord, now: number): DueTask[] {
    const noticed = noticeChange(task.schedule, record, now);
    if (noticed !== null) this.#parts.ledger.noteSchedule(task.name, noticed.scheduleText, noticed.anchorAt);
    const known = noticed === null ? record : { ...record, scheduleText: noticed.scheduleText, anchorAt: noticed.anchorAt };
    const due = dueTask(lookAtTask(task, known, this.#parts.instance, now), known, now);
    return due === null ? [] : [due];
  }

  async #tryStart(due: DueTask, heavyOfThisPoll: Task | null, now: number): Promise<Started | null> {
    const { task } = due;
    const { log } = this.#parts;
    const reason = reasonOf(task.schedule);
    try {
      if (!task.heavy) return this.#claimAndStart(task, reason, null, due.record.lastRunAt, now);
      const blocking = heavyOfThisPoll ?? this.#activeHeavy();
      if (blocking !== null) return this.#defer(due, behindTask({ label: task.label, reason }, blocking), now);
      const answer = await this.#acquire(task, reason, now);
      if (answer === null) return null;
      if ("held" in answer) return this.#defer(due, behindHolder({ label: task.label, reason }, answer.held), now);
      const started = this.#claimAndStart(task, reason, answer.lease, due.record.lastRunAt, now);
      if (started === null) await answer.lease.release();
      return started;
    } catch (error) {
      log("error", `Cannot start ${task.label}: ${messageOf(error)}`, { task: task.name });
      return null;
    }
  }

  #activeHeavy(): Task | null {
    return [...this.#active.values()].find(({ task }) => task.heavy)?.task ?? null;
  }

  /** An error never runs the task: it is a failed run, which comes again after its back-off. */
  async #acquire(task: Task, reason: string, now: number): Promise<{ readonly lease: Lease } | { readonly held: Held } | null> {
    const { keeper, ledger, presence, log } = this.#parts;
    try {
      const answer = await keeper.acquire({ owner: task.name, reason });
      if (answer.outcome === "held") {
        this.#watch.seen(answer);
        return { held: answer };
      }
      if (answer.afterDeadHolder) log("warn", "The holder of the heavy-maintenance lease before died without releasing it", { task: task.name });
      return { lease: answer.lease };
    } catch (error) {
      log("error", `Cannot acquire the heavy-maintenance lease for ${task.label}: ${messageOf(error)}`, { task: task.name });
      const run = ledger.claim({ task: task.name, kind: "task", trigger: reason, now, presence: presence.id, lastRunAt: "any" });
      if (run !== null) ledger.end(run, failedToStart(REASON_CODES.acquireError, messageOf(error)), now);
      return null;
    }
  }

  #defer({ task }: DueTask, { obstacle, line, key }: Deferral, now: number): null {
    const { isNew } = this.#parts.ledger.defer(task.name, obstacle, key, now);
    if (isNew) this.#parts.log("info", line, { task: task.name });
    return null;
  }

  /** @returns null when another process runs it, or has since it was found due */
  #claimAndStart(task: Task, trigger: string, lease: Lease | null, lastRunAt: number | null | "any", now: number): Started | null {
    const { ledger, presence, log } = this.#parts;
    const run = ledger.claim({ task: task.name, kind: "task", trigger, now, presence: presence.id, lastRunAt });
    if (run === null) return null;
    ledger.closeStreak(task.name, now);
    const stop = new AbortController();
    const active: Active = {
      task,
      since: performance.now(),
      stop,
      supervised: null,
      asked: false,
      end: this.#run(task, run, lease, stop.signal, now, () => active),
    };
    this.#active.set(task.name, active);
    log("info", `Starting ${task.label} (${trigger}).`, { task: task.name });
    return { task, end: active.end };
  }

  async #run(
    task: Task,
    run: number,
    lease: Lease | null,
    signal: AbortSignal,
    startedAt: number,
    active: () => Active,
  ): Promise<RunEnd> {
    const { ledger, log, stateDir, cwd, env, clock, grace } = this.#parts;
    let end: RunEnd;
    try {
      await this.#starvation.started(task.name);
      const supervised = await supervise({
        task,
        run,
        lease,
        stateDir,
        cwd,
        env,
        log,
        signal,
        grace,
        record: (child, output) => ledger.recordChild(run, child, output),
      });
      active().supervised = supervised;
      lease?.progress({ doing: task.label });
      end = await supervised.ended;
    } catch (error) {
      end = failedToStart(REASON_CODES.notStarted, messageOf(error));
    }
    try {
      await lease?.release();
    } catch (error) {
      log("error", `Cannot release the heavy-maintenance lease of ${task.label}: ${messageOf(error)}`, { task: task.name });
    }
    this.#active.delete(task.name);
    this.#record(task, run, end, startedAt, clock.now());
    return end;
  }

  #record(task: Task, run: number, end: RunEnd, startedAt: number, now: number): void {
    const { ledger, log } = this.#parts;
    try {
      const wait = Math.min(AFTER_DEFERRED_CHILD, lookAtTask(task, NOTHING, "", now).cadence / 4);
      ledger.end(run, end, now, end.outcome === "skipped" ? now + wait : null);
      if (end.outcome === "skipped") {
        // Its start has ended the streak, and it never ran: it waits since it was first deferred.
        ledger.resumeStreak(task.name, startedAt);
        ledger.defer(task.name, { ...NOBODY, reasonCode: end.reasonCode ?? "", reason: end.reason ?? "" }, end.reasonCode ?? "", now);
      }
    } catch (error) {
      // Its row stays `running` under this process's presence: closed as interrupted once that has ended.
      log("error", `Cannot write down what became of ${task.label}: ${messageOf(error)}`, { task: task.name });
    }
    const why = end.reason === null ? "" : `: ${end.reason}`;
    const what = end.backupId === null ? "" : ` ${end.backupId}`;
    if (end.outcome === "completed") log(end.reasonCode === null ? "info" : "warn", `Completed ${task.label}${what}${why}.`, { task: task.name });
    else if (end.outcome === "skipped") log("info", `Deferred by ${task.label} itself${why}.`, { task: task.name });
    else if (end.reasonCode === REASON_CODES.interrupted) log("warn", `Stopped ${task.label}${why}.`, { task: task.name });
    else log("error", `Failed ${task.label}${why}.`, { task: task.name });
  }

  /** Holders past their time make room when somebody waits: a task of this process in its own way, anyone by the lease. */
  async #askToYield(): Promise<void> {
    const { ledger, maxHold, log } = this.#parts;
    const waiting = ledger.streaks()[0];
    if (waiting === undefined) return;
    for (const active of this.#active.values()) {
      if (!active.task.heavy || active.asked || performance.now() - active.since <= maxHold) continue;
      active.asked = true;
      log("info", `Asking ${active.task.label} to make room for ${waiting.task}.`, { task: active.task.name });
      active.supervised?.askToYield();
      // oxlint-disable-next-line no-await-in-loop -- one heavy task at a time
      await this.#parts.keeper.requestYield(waiting.task);
    }
    await this.#watch.askToYield(waiting.task);
  }

  /**
   * Runs one task now, whatever its schedule says, through the same gates.
   *
   * @returns what kept it from running, in place of a start
   */
  async runNow(task: Task, { wait, token, onWaiting }: RunNowOptions): Promise<Started | { readonly held: Held } | "already-running"> {
    const { keeper, ledger, clock } = this.#parts;
    ledger.ensureTasks([task.name], clock.now());
    this.#tidy(clock.now());
    if (ledger.running().some(({ task: name }) => name === task.name)) return "already-running";
    let lease: Lease | null = null;
    if (task.heavy) {
      const answer = await keeper.acquire({ owner: task.name, reason: "manual", wait, onWaiting, ...(token === null ? {} : { token }) });
      if (answer.outcome === "held") return { held: answer };
      lease = answer.lease;
    }
    const started = this.#claimAndStart(task, "manual", lease, "any", clock.now());
    if (started !== null) return started;
    await lease?.release();
    return "already-running";
  }

  /** Starts nothing any more, stops what runs (TERM, then KILL) and waits for its end. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { stop } of this.#active.values()) stop.abort();
    await Promise.allSettled([...this.#active.values()].map(({ end }) => end));
    await this.#starvation.close();
  }
}

const NOBODY = { blockingTask: null, holdingOwner: null, holdingPid: null };

const NOTHING: TaskRecord = {
  name: "",
  firstSeenAt: 0,
  lastRunAt: null,
  lastEndedAt: null,
  lastCompletedAt: null,
  lastOutcome: null,
  lastReasonCode: null,
  lastReason: null,
  failingSince: null,
  failures: 0,
  scheduleText: null,
  anchorAt: null,
  notBefore: null,
};

function failedToStart(reasonCode: string, reason: string): RunEnd {
  return { outcome: "failed", reasonCode, reason, exitCode: null, signal: null, lastLines: null, backupId: null };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
