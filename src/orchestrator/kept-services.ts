import { closeSync } from "node:fs";
import { formatDuration, isRunning, messageOf, monotonicNow, spawnGated, stopGroup, type Clock, type GatedChild } from "../kernel/index.ts";
import { LEASE_DESCRIPTOR } from "../lease/index.ts";
import type { Presence, RunEnd, SqliteLedger } from "../ledger/index.ts";
import { Complaints } from "./complaints.ts";
import { REASON_CODES } from "./deferral.ts";
import type { Log } from "./log.ts";
import { failedToStart } from "./run-task.ts";
import { lastLines, openOutput, readTail } from "./run-output.ts";
import type { ReadyCheck, Service } from "./task.ts";
import { untilWritten } from "./until-written.ts";

export interface ServiceParts {
  readonly services: readonly Service[];
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly ledger: SqliteLedger;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly log: Log;
  /** From TERM to KILL. Milliseconds. */
  readonly grace: number;
  /** Asks until it is ready or its time is over; null when it is, what is wrong when it is not. */
  readonly awaitReady: (check: ReadyCheck, signal: AbortSignal) => Promise<string | null>;
}

/** From the end of a service to its next start: it doubles, and begins again once one has run for a while. Milliseconds. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
const STEADY = 60_000;
/** From an end that could not be written down to the next attempt. Milliseconds. */
const AGAIN = 1000;

interface Lane {
  pause: number;
  notBefore: number;
  stop: ((grace: number) => Promise<void>) | null;
}

/** Keeps services running, outside the lease: with neither its token nor its descriptor, so that none of them ever holds it. */
export class Services {
  readonly #parts: ServiceParts;
  readonly #lanes: Map<string, Lane> = new Map();
  readonly #complaints: Complaints;
  /** Ends that could not be written down yet: while one is missing, its service looks as if it ran. */
  readonly #unwritten: Map<number, RunEnd> = new Map();
  #again: NodeJS.Timeout | undefined;
  /** It is what keeps them running, and not a command that starts one task. */
  #keeps = false;
  #closed = false;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#complaints = new Complaints(parts.log);
  }

  /** Starts what does not run, here or under another daemon. */
  async poll(): Promise<void> {
    this.#keeps = true;
    this.#writeEnds();
    const { services, ledger } = this.#parts;
    const running = new Set(ledger.running().map(({ task }) => task));
    for (const service of services) {
      const lane = this.#lane(service.name);
      if (this.#closed || lane.stop !== null || running.has(service.name) || monotonicNow() < lane.notBefore) continue;
      try {
        // oxlint-disable-next-line no-await-in-loop -- a start takes a moment, and order makes the log readable
        await this.#start(service, lane);
        this.#complaints.over(service.name);
      } catch (error) {
        this.#fell(lane, 0);
        this.#complaints.say(service.name, `Cannot start ${service.label}: ${messageOf(error)}`, { task: service.name });
      }
    }
  }

  /** Whether one of them was started here and has not ended. */
  get isRunning(): boolean {
    return this.#unwritten.size > 0 || [...this.#lanes.values()].some(({ stop }) => stop !== null);
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? { pause: FIRST_PAUSE, notBefore: 0, stop: null };
    this.#lanes.set(name, lane);
    return lane;
  }

  async #start(service: Service, lane: Lane): Promise<void> {
    const { ledger, presence, clock } = this.#parts;
    const now = clock.now();
    ledger.ensureTasks([service.name], now);
    const claim = { task: service.name, kind: "service", trigger: "keep-running", now, presence: presence.id, lastRunAt: "any" } as const;
    const run = await untilWritten(() => (this.#closed ? null : ledger.claim(claim)));
    if (run === null) return;
    try {
      const { child, output } = await this.#spawn(service, run);
      this.#standBy(service, lane, run, child, output);
    } catch (error) {
      this.#end(run, failedToStart(REASON_CODES.notStarted, messageOf(error)));
      throw error;
    }
  }

  async #spawn({ name, label, argv }: Service, run: number): Promise<{ readonly child: GatedChild; readonly output: string }> {
    const { ledger, log, stateDir, cwd, env } = this.#parts;
    const output = openOutput(stateDir, name, run);
    try {
      const child = await spawnGated(argv, {
        cwd,
        env,
        stdio: ["ignore", output.descriptor, output.descriptor],
        group: true,
        withhold: LEASE_DESCRIPTOR,
      });
      try {
        ledger.recordChild(run, child.identity, output.path);
      } catch (error) {
        // Behind its gate it has done nothing, and nobody would know of it.
        child.process.kill("SIGKILL");
        throw error;
      }
      child.open();
      log("info", `Started ${label}, pid ${child.identity.pid}.`, { task: name });
      return { child, output: output.path };
    } finally {
      closeSync(output.descriptor);
    }
  }

  #standBy(service: Service, lane: Lane, run: number, child: GatedChild, output: string): void {
    const { log } = this.#parts;
    const { name, label } = service;
    const { pid } = child.identity;
    const began = monotonicNow();
    const stopping = new AbortController();
    const ended = child.ended.then(({ exitCode, signal }) => {
      stopping.abort();
      lane.stop = null;
      const pause = this.#fell(lane, monotonicNow() - began);
      const reason = exitCode === null ? `ended by ${signal ?? "a signal"}` : `ended with exit code ${exitCode}`;
      if (this.#closed) log("info", `${label} ${reason}.`, { task: name });
      else log("warn", `${label} ${reason}; it is started again in ${formatDuration(pause)}.`, { task: name });
      const facts = { reason, exitCode, signal, lastLines: tailOf(output), backupId: null };
      if (this.#closed) this.#end(run, { ...facts, outcome: "completed", reasonCode: null });
      else this.#end(run, { ...facts, outcome: "failed", reasonCode: exitCode === null ? REASON_CODES.signal : REASON_CODES.exit });
    });
    lane.stop = async (grace) => {
      stopGroup(pid, "SIGTERM");
      // A process that is stopped takes notice of TERM only when it goes on.
      stopGroup(pid, "SIGCONT");
      const killer = setTimeout(() => stopGroup(pid, "SIGKILL"), grace);
      await ended;
      clearTimeout(killer);
      stopGroup(pid, "SIGKILL");
    };
    void this.#tellWhenReady(service, stopping.signal);
  }

  #end(run: number, end: RunEnd): void {
    this.#unwritten.set(run, end);
    this.#writeEnds();
  }

  #writeEnds(): void {
    const { ledger, clock } = this.#parts;
    for (const [run, end] of this.#unwritten) {
      try {
        ledger.end(run, end, clock.now());
        this.#unwritten.delete(run);
        this.#complaints.over("ledger");
      } catch (error) {
        this.#complaints.say("ledger", `Cannot write down that a service has ended: ${messageOf(error)}`);
      }
    }
    // Also when nobody polls any more, since another configuration has taken over.
    clearTimeout(this.#again);
    if (this.#unwritten.size > 0) this.#again = setTimeout(() => this.#writeEnds(), AGAIN).unref();
  }

  /** @returns how long it is left alone. Milliseconds. */
  #fell(lane: Lane, ranFor: number): number {
    if (ranFor >= STEADY) lane.pause = FIRST_PAUSE;
    const { pause } = lane;
    lane.notBefore = monotonicNow() + pause;
    lane.pause = Math.min(LONGEST_PAUSE, pause * 2);
    return pause;
  }

  async #tellWhenReady({ name, label, ready }: Service, signal: AbortSignal): Promise<void> {
    if (ready === null) return;
    const { awaitReady, log } = this.#parts;
    try {
      const problem = await awaitReady(ready, signal);
      if (problem === null) log("info", `${label} is ready.`, { task: name });
      else log("warn", `${label} is not ready: ${problem}`, { task: name });
    } catch (error) {
      if (!signal.aborted) log("warn", `Cannot ask ${label} whether it is ready: ${String(error)}`, { task: name });
    }
  }

  /** Starts nothing any more, and ends those that are not to go on as they are; the others run until they end by themselves. */
  async retire(keep: readonly Service[]): Promise<void> {
    this.#closed = true;
    const kept = new Set(keep.map((service) => JSON.stringify(service)));
    const ending = this.#parts.services.filter((service) => !kept.has(JSON.stringify(service)));
    await Promise.all(ending.map(async ({ name }) => await this.#lanes.get(name)?.stop?.(this.#parts.grace)));
  }

  /** Stops those of this daemon, and those that an earlier one left running. */
  async close(grace: number = this.#parts.grace): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#lanes.values()].map(async (lane) => await lane.stop?.(grace)));
    if (!this.#keeps) return;
    const names = new Set(this.#parts.services.map(({ name }) => name));
    for (const run of this.#parts.ledger.running())
      if (names.has(run.task) && run.child !== null && !this.#parts.ledger.isSupervised(run) && isRunning(run.child))
        stopGroup(run.child.pid, "SIGTERM");
  }
}

function tailOf(output: string): string | null {
  try {
    return lastLines(readTail(output, "line"));
  } catch {
    // It was removed meanwhile
    return null;
  }
}
