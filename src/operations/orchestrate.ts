import { messageOf, type HoldfastError } from "../kernel/index.ts";
import { bePresent, keepInPlace, openLedger, replaceDamaged, sweepPresences, type SqliteLedger } from "../ledger/index.ts";
import type { LeaseKeeper } from "../lease/index.ts";
import { Orchestrator, Services, type CloseOptions, type DefinedTasks, type Log, type Started } from "../orchestrator/index.ts";
import { awaitHealth } from "../restore/index.ts";
import { definedTasks } from "./defined-tasks.ts";
import type { Instance } from "./instance.ts";
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
    committed: (since) => committedSince(instance, since),
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
  if (!isGoodSince(instance, since)) await tellLost(instance, "scheduled", failure, signal);
}

function isGoodSince({ config }: Instance, since: number): boolean {
  try {
    const last = readLastRun(config.stateDir);
    return last?.ok === true && Date.parse(last.at) >= since;
  } catch {
    // What nobody can read says nothing.
    return false;
  }
}

/** The engine writes down what it has committed before it does anything else, such as telling of it. */
function committedSince({ config }: Instance, since: number): string | null {
  try {
    const last = readLastRun(config.stateDir);
    return last?.ok === true && last.trigger === "scheduled" && Date.parse(last.at) >= since ? last.id : null;
  } catch {
    // What nobody can read says nothing.
    return null;
  }
}
