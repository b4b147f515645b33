import { messageOf, monotonicNow, namedSystemError } from "../kernel/index.ts";
import type { Held, Lease } from "../lease/index.ts";
import type { RunEnd, TaskRecord } from "../ledger/index.ts";
import { Complaints } from "./complaints.ts";
import { behindHolder, behindTask, REASON_CODES, type Deferral } from "./deferral.ts";
import { dueTask, inOrder, lookAtTask, withoutWaiting, type DueTask } from "./due-tasks.ts";
import { HolderWatch } from "./holder-watch.ts";
import { closeInterrupted } from "./interrupted.ts";
import { lossOf } from "./loss-of.ts";
import type { CloseOptions, OrchestratorParts, RunNowOptions } from "./orchestrator-parts.ts";
import { committedAfterAll, failedToStart, recordEnd, runTask } from "./run-task.ts";
import { noticeChange, reasonOf } from "./schedule/index.ts";
import { Starvation } from "./starvation.ts";
import type { Supervised } from "./supervise.ts";
import type { Task } from "./task.ts";
import { untilWritten } from "./until-written.ts";

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

/** Looks at what is due, and lets it run: heavy tasks one at a time over all processes, and nobody starves unseen. */
export class Orchestrator {
  readonly #parts: OrchestratorParts;
  readonly #active: Map<string, Active> = new Map();
  readonly #starvation: Starvation;
  readonly #watch: HolderWatch;
  readonly #complaints: Complaints;
  #closed = false;
  readonly #ending = new AbortController();

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
    this.#starvation = new Starvation(parts);
    this.#watch = new HolderWatch(parts);
    this.#complaints = new Complaints(parts.log);
  }

  /** Tasks of this process that have not ended. */
  get running(): readonly string[] {
    return [...this.#active.keys()];
  }

  /** One look at what is due. Starts what may start and waits for none of it; one lane's failure stops no other. */
  async poll(): Promise<readonly Started[]> {
    if (this.#closed) return [];
    const { ledger, tasks, clock } = this.#parts;
    const now = clock.now();
    const names = tasks.map(({ name }) => name);
    await untilWritten(() => ledger.ensureTasks(names, now));
    this.#tidy(now);
    const records = new Map(ledger.tasks().map((record) => [record.name, record]));
    const running = new Set([...this.#active.keys(), ...ledger.running().map(({ task }) => task)]);
    const due = tasks.flatMap((task) => {
      try {
        const record = records.get(task.name);
        const found = record === undefined || running.has(task.name) ? [] : this.#look(task, record, now);
        this.#complaints.over(`due ${task.name}`);
        return found;
      } catch (error) {
        this.#complaints.say(`due ${task.name}`, `Cannot tell when ${task.label} is due: ${messageOf(error)}`, { task: task.name });
        return [];
      }
    });
    const ready = withoutWaiting(due, running, records);
    await this.#lookAfterTheLease(due, ready, now);
    const started: Started[] = [];
    let heavyOfThisPoll: Task | null = null;
    for (const one of inOrder(ready, this.#starvation.reserved)) {
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

  /** What it cannot do for the lease keeps no task from its turn: a light one needs none. */
  async #lookAfterTheLease(due: readonly DueTask[], ready: readonly DueTask[], now: number): Promise<void> {
    try {
      await this.#askToYield();
      await this.#starvation.look(due, ready, now);
      this.#complaints.over("lease");
    } catch (error) {
      this.#complaints.say("lease", `Cannot look after the heavy-maintenance lease: ${messageOf(error)}`);
    }
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
    const reason = reasonOf(task.schedule);
    try {
      if (!task.heavy) return await this.#claimAndStart(task, reason, null, due.record.lastRunAt, now);
      const blocking = heavyOfThisPoll ?? this.#activeHeavy();
      if (blocking !== null) return await this.#defer(due, behindTask({ label: task.label, reason }, blocking), now);
      const answer = await this.#acquire(task, reason, now);
      if (answer === null) return null;
      if ("held" in answer) return await this.#defer(due, behindHolder({ label: task.label, reason }, answer.held), now);
      return await this.#startUnder(answer.lease, task, reason, due.record.lastRunAt, now);
    } catch (error) {
      this.#complaints.say(`start ${task.name}`, `Cannot start ${task.label}: ${messageOf(error)}`, { task: task.name });
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
      this.#watch.gone();
      if (answer.afterDeadHolder)
        log("warn", "The holder of the heavy-maintenance lease before died without releasing it", { task: task.name });
      return { lease: answer.lease };
    } catch (error) {
      log("error", `Cannot acquire the heavy-maintenance lease for ${task.label}: ${messageOf(error)}`, { task: task.name });
      const run = ledger.claim({ task: task.name, kind: "task", trigger: reason, now, presence: presence.id, lastRunAt: "any" });
      if (run === null) return null;
      ledger.end(run, failedToStart(REASON_CODES.acquireError, messageOf(error)), now);
      if (task.builtin === "backup") void this.#parts.lost?.(namedSystemError(error, "acquire the heavy-maintenance lease"), now);
      return null;
    }
  }

  async #defer({ task }: DueTask, { obstacle, line, key }: Deferral, now: number): Promise<null> {
    const { isNew } = await untilWritten(() => this.#parts.ledger.defer(task.name, obstacle, key, now));
    this.#complaints.over(`start ${task.name}`);
    if (isNew) this.#parts.log("info", line, { task: task.name });
    return null;
  }

  /** A lease that no run came of is given back, whatever kept it from coming. */
  async #startUnder(lease: Lease, task: Task, trigger: string, lastRunAt: number | null | "any", now: number): Promise<Started | null> {
    let started: Started | null = null;
    try {
      started = await this.#claimAndStart(task, trigger, lease, lastRunAt, now);
      return started;
    } finally {
      if (started === null) await lease.release();
    }
  }

  /** @returns null when another process runs it, or has since it was found due */
  async #claimAndStart(
    task: Task,
    trigger: string,
    lease: Lease | null,
    lastRunAt: number | null | "any",
    now: number,
  ): Promise<Started | null> {
    const { ledger, presence, log } = this.#parts;
    const claim = { task: task.name, kind: "task", trigger, now, presence: presence.id, lastRunAt, endsStreak: true } as const;
    // Closed while it waits for the ledger, it starts nothing any more.
    const run = await untilWritten(() => (this.#closed ? null : ledger.claim(claim)));
    if (run === null) return null;
    this.#complaints.over(`start ${task.name}`);
    const stop = new AbortController();
    const active: Active = {
      task,
      since: monotonicNow(),
      stop,
      supervised: null,
      asked: false,
      end: this.#run(task, run, lease, stop.signal, now, (supervised) => (active.supervised = supervised)),
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
    onSupervised: (supervised: Supervised) => void,
  ): Promise<RunEnd> {
    this.#starvation.started(task.name);
    const ended = await runTask(this.#parts, { task, run, lease, signal, onSupervised });
    const end = committedAfterAll(ended, task, startedAt, this.#parts.committed);
    const loss = lossOf(task, end);
    // First: a crash in between has it told twice, and never not at all.
    const telling = loss === null ? null : this.#parts.lost?.(loss, startedAt);
    await recordEnd(this.#parts, task, run, end, startedAt, this.#parts.clock.now(), this.#ending.signal);
    // Until then its row says that it runs, and is nobody else's to close.
    this.#active.delete(task.name);
    await telling;
    return end;
  }

  /** Holders past their time make room when somebody waits: a task of this process in its own way, anyone by the lease. */
  async #askToYield(): Promise<void> {
    const { ledger, maxHold, log } = this.#parts;
    const waiting = ledger.streaks()[0];
    if (waiting === undefined) return;
    for (const active of this.#active.values()) {
      if (!active.task.heavy || active.asked || monotonicNow() - active.since <= maxHold) continue;
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
  async runNow(
    task: Task,
    { wait, token, onWaiting, signal }: RunNowOptions,
  ): Promise<Started | { readonly held: Held } | "already-running"> {
    const { keeper, ledger, clock, log } = this.#parts;
    ledger.ensureTasks([task.name], clock.now());
    this.#tidy(clock.now());
    if (ledger.running().some(({ task: name }) => name === task.name)) return "already-running";
    if (!task.heavy) return (await this.#claimAndStart(task, "manual", null, "any", clock.now())) ?? "already-running";
    const answer = await keeper.acquire({
      owner: task.name,
      reason: "manual",
      wait,
      onWaiting,
      ...(token === null ? {} : { token }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.foreignToken) log("warn", "The lease of HOLDFAST_LEASE has ended: this asks for one of its own", { task: task.name });
    if (answer.outcome === "held") return { held: answer };
    return (await this.#startUnder(answer.lease, task, "manual", "any", clock.now())) ?? "already-running";
  }

  /** Starts nothing any more; what runs goes on to its end. */
  async retire(): Promise<void> {
    this.#closed = true;
    await this.#starvation.close();
  }

  /** Starts nothing any more, stops what runs (TERM, then KILL) and waits for its end. */
  async close({ grace = null, finish = null, until }: CloseOptions = {}): Promise<void> {
    this.#closed = true;
    this.#ending.abort();
    const stopAll = (): void => {
      for (const { stop, supervised } of this.#active.values()) {
        stop.abort(0);
        // One that was asked to end already is not asked twice by a signal.
        supervised?.kill();
      }
    };
    for (const { task, stop } of this.#active.values()) if (finish === null || task.builtin !== finish) stop.abort(grace);
    if (until?.aborted === true) stopAll();
    until?.addEventListener("abort", stopAll, { once: true });
    await Promise.allSettled([...this.#active.values()].map(({ end }) => end));
    until?.removeEventListener("abort", stopAll);
    await this.#starvation.close();
  }
}
