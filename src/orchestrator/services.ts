import { isRunning, spawnGated, stopGroup, type Clock } from "../kernel/index.ts";
import type { Presence, SqliteLedger } from "../ledger/index.ts";
import { closeSync } from "node:fs";
import { REASON_CODES } from "./deferral.ts";
import type { Log } from "./log.ts";
import { lastLines, openOutput, readTail } from "./run-output.ts";
import type { ReadyCheck, Service } from "./task.ts";

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

interface Lane {
  pause: number;
  notBefore: number;
  stop: (() => Promise<void>) | null;
}

/** Keeps services running, outside the lease: with neither its token nor its descriptor, so that none of them ever holds it. */
export class Services {
  readonly #parts: ServiceParts;
  readonly #lanes: Map<string, Lane> = new Map();
  #closed = false;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  /** Starts what does not run, here or under another daemon. */
  async poll(): Promise<void> {
    const { services, ledger, log } = this.#parts;
    const running = new Set(ledger.running().map(({ task }) => task));
    for (const service of services) {
      const lane = this.#lane(service.name);
      if (this.#closed || lane.stop !== null || running.has(service.name) || performance.now() < lane.notBefore) continue;
      try {
        // oxlint-disable-next-line no-await-in-loop -- a start takes a moment, and order makes the log readable
        await this.#start(service, lane);
      } catch (error) {
        this.#fell(lane, 0);
        log("error", `Cannot start ${service.label}: ${error instanceof Error ? error.message : String(error)}`, { task: service.name });
      }
    }
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? { pause: FIRST_PAUSE, notBefore: 0, stop: null };
    this.#lanes.set(name, lane);
    return lane;
  }

  async #start(service: Service, lane: Lane): Promise<void> {
    const { ledger, presence, clock, log, stateDir, cwd, env } = this.#parts;
    const now = clock.now();
    ledger.ensureTasks([service.name], now);
    const run = ledger.claim({ task: service.name, kind: "service", trigger: "keep-running", now, presence: presence.id, lastRunAt: "any" });
    if (run === null) return;
    const output = openOutput(stateDir, service.name, run);
    try {
      const child = await spawnGated(service.argv, { cwd, env, stdio: ["ignore", output.descriptor, output.descriptor], group: true });
      ledger.recordChild(run, child.identity, output.path);
      child.open();
      log("info", `Started ${service.label}, pid ${child.identity.pid}.`, { task: service.name });
      const began = performance.now();
      const stopping = new AbortController();
      const ended = child.ended.then(({ exitCode, signal }) => {
        stopping.abort();
        const reason = exitCode === null ? `ended by ${signal ?? "a signal"}` : `ended with exit code ${exitCode}`;
        const outcome = this.#closed ? "completed" : "failed";
        ledger.end(
          run,
          {
            outcome,
            reasonCode: outcome === "completed" ? null : REASON_CODES.exit,
            reason,
            exitCode,
            signal,
            lastLines: lastLines(readTail(output.path)),
            backupId: null,
          },
          clock.now(),
        );
        lane.stop = null;
        this.#fell(lane, performance.now() - began);
        log(this.#closed ? "info" : "warn", `${service.label} ${reason}.`, { task: service.name });
      });
      ended.catch((error: unknown) => log("error", `Cannot write down the end of ${service.label}: ${String(error)}`, { task: service.name }));
      lane.stop = async () => {
        stopGroup(child.identity.pid, "SIGTERM");
        const killer = setTimeout(() => stopGroup(child.identity.pid, "SIGKILL"), this.#parts.grace);
        await ended.catch(() => {});
        clearTimeout(killer);
      };
      void this.#tellWhenReady(service, stopping.signal);
    } catch (error) {
      ledger.end(
        run,
        {
          outcome: "failed",
          reasonCode: REASON_CODES.notStarted,
          reason: error instanceof Error ? error.message : String(error),
          exitCode: null,
          signal: null,
          lastLines: null,
          backupId: null,
        },
        clock.now(),
      );
      throw error;
    } finally {
      closeSync(output.descriptor);
    }
  }

  #fell(lane: Lane, ranFor: number): void {
    if (ranFor >= STEADY) lane.pause = FIRST_PAUSE;
    lane.notBefore = performance.now() + lane.pause;
    lane.pause = Math.min(LONGEST_PAUSE, lane.pause * 2);
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

  /** Stops those of this daemon, and those that an earlier one left running. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#lanes.values()].map(async (lane) => await lane.stop?.()));
    const names = new Set(this.#parts.services.map(({ name }) => name));
    for (const run of this.#parts.ledger.running())
      if (names.has(run.task) && run.child !== null && !this.#parts.ledger.isSupervised(run) && isRunning(run.child))
        stopGroup(run.child.pid, "SIGTERM");
  }
}
