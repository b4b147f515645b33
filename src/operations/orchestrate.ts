import { messageOf, type HoldfastError } from "../kernel/index.ts";
import { bePresent, keepInPlace, openLedger, replaceDamaged, sweepPresences, type SqliteLedger } from "../ledger/index.ts";
import type { LeaseKeeper } from "../lease/index.ts";
import { Orchestrator, Services, type CloseOptions, type DefinedTasks, type Log, type Started } from "../orchestrator/index.ts";
import { awaitHealth } from "../restore/index.ts";
import { definedTasks } from "./defined-tasks.ts";
import type { Instance } from "./instance.ts";
import { committedSince } from "./committed-backup.ts";
import { recordEnded } from "./failed-backup.ts";
import { readLastRun } from "./last-run.ts";
import { tellLost } from "./lost-backup.ts";
import { conditionWatch } from "./notify/index.ts";

export interface Orchestration extends AsyncDisposable {
  readonly defined: DefinedTasks;
  readonly orchestrator: Orchestrator;
  readonly ledger: SqliteLedger;
  readonly keeper: LeaseKeeper;
  /** Nothing runs that was started here. */
  readonly isIdle: boolean;
  /** Starts nothing any more, and ends what runs, services as well. */
  close(options: CloseOptions): Promise<void>;
  /** Another orchestration, of the same instance configured anew, takes over: nothing new starts here, and what runs goes on. */
  retire(successor: Orchestration): Promise<void>;
  /** One look at everything that is due or should run. Never throws; what goes wrong is in the log. */
  poll(): Promise<readonly Started[]>;
}

/** Opens everything that running tasks takes. Ends with its disposal: nothing new starts, and what runs is stopped. */
export function orchestrate(instance: Instance, log: Log): Orchestration {
  const { config, env, clock } = instance;
  const defined = definedTasks(instance);
  const ledger = openLedger(config.stateDir, (text) => log("warn", text));
  sweepPresences(config.stateDir);
  const presence = bePresent(config.stateDir);
  const keeper = instance.openLease();
  const common = {
    stateDir: config.stateDir,
    cwd: config.folder,
    env,
    ledger,
    presence,
    clock,
    log,
    grace: config.orchestrator.shutdownTimeout,
  };
  const ending = new AbortController();
  const orchestrator = new Orchestrator({
    ...common,
    instance: config.name,
    tasks: defined.tasks,
    keeper,
    maxDeferral: config.orchestrator.maxDeferral,
    maxHold: config.orchestrator.maxHold,
    committed: (since) => closeCommitted(instance, since),
    lost: async (failure, since) => await tellLostSince(instance, failure, since, ending.signal),
  });
  const services = new Services({
    ...common,
    services: defined.services,
    awaitReady: async (check, signal) => {
      const { healthy, problem } = await awaitHealth(check, { cwd: config.folder, env, signal });
      return healthy ? null : (problem ?? "no reason was given");
    },
  });
  let complaint: string | null = null;
  // What goes on without a run of its own, such as a backup that is overdue, is told from here.
  const watch = conditionWatch(instance, log, ending.signal);
  return {
    defined,
    orchestrator,
    ledger,
    keeper,
    get isIdle() {
      return orchestrator.running.length === 0 && !services.isRunning;
    },
    poll: async () => {
      watch.tick();
      try {
        keepInPlace(ledger, (text) => log("warn", text));
        await services.poll();
        const started = await orchestrator.poll();
        complaint = null;
        return started;
      } catch (error) {
        if (replaceDamaged(ledger, error, (text) => log("warn", text))) return [];
        const message = messageOf(error);
        // A full disk fails every poll, and a log that repeats it fills the next disk.
        if (message !== complaint) log("error", `A poll failed: ${message}`);
        complaint = message;
        return [];
      }
    },
    retire: async (successor) => {
      await Promise.all([orchestrator.retire(), services.retire(successor.defined.services)]);
    },
    close: async (options) => {
      await Promise.allSettled([orchestrator.close(options), services.close(options.grace ?? undefined)]);
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await Promise.allSettled([orchestrator.close(), services.close()]);
      await keeper[Symbol.asyncDispose]();
      ledger[Symbol.dispose]();
      presence[Symbol.dispose]();
    },
  };
}

/** A good one that was taken since, as at the start of a daemon after a crash, has the last word. */
async function tellLostSince(instance: Instance, failure: HoldfastError, since: number, signal: AbortSignal): Promise<void> {
  if (committedSince(instance, since) === null) await tellLost(instance, "scheduled", failure, signal);
}

/** A backup that was committed by a process which could not say so any more. What the last failure said goes with it. */
function closeCommitted(instance: Instance, since: number): string | null {
  const id = committedSince(instance, since, "scheduled");
  if (id === null || readLastRun(instance.config.stateDir)?.id === id) return id;
  try {
    recordEnded(instance, "scheduled", { ok: true, id, code: null, message: null });
  } catch (error) {
    instance.remark(`Cannot write down that ${id} was taken: ${messageOf(error)}`);
  }
  return id;
}
