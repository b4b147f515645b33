import { DamageError, monotonicNow, namedSystemError } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { readListing } from "../read-listing.ts";
import { overdueComponents } from "../status.ts";
import { listTasks } from "../list-tasks.ts";
import { tellConditions, type Lasting, type Sighting } from "./conditions.ts";
import { damageSighting } from "./damage.ts";
import { drain } from "./drain.ts";
import { orProblem } from "./notify.ts";
import { sweepUndeclared } from "./outbox.ts";

/**
 * Looks for what lasts, tells what began and what ended, and sends again what could not be delivered before. Never throws.
 *
 * @returns what went wrong, one line each
 */
export async function watchConditions(instance: Instance, signal?: AbortSignal): Promise<readonly string[]> {
  const { notify: endpoints, stateDir } = instance.config;
  const problems: string[] = [];
  const attempt = async (doing: string, work: () => Promise<void> | void): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push(namedSystemError(error, doing).message);
    }
  };
  await attempt("forget what waits for endpoints that are declared no more", () => {
    const dropped = sweepUndeclared(stateDir, endpoints);
    if (dropped > 0) problems.push(`${dropped} notifications for endpoints that are declared no more are dropped`);
  });
  const wants = (event: Lasting): boolean => endpoints.some(({ on }) => on.includes(event));
  const sightings: Sighting[] = [];
  if (wants("overdue") || wants("damage"))
    await attempt("look into the vault", async () => void sightings.push(...(await lookIntoVault(instance))));
  if (wants("starving")) await attempt("look at the tasks", () => void sightings.push(starving(instance)));
  problems.push(...(await tellConditions(instance, sightings, signal)));
  const resent = await Promise.all(endpoints.map((endpoint) => orProblem(endpoint, () => drain(instance, endpoint, 1, signal))));
  return [...new Set([...problems, ...resent.flat()])];
}

async function lookIntoVault(instance: Instance): Promise<readonly Sighting[]> {
  try {
    const listing = await readListing(instance);
    return [
      { event: "overdue", present: new Map(overdueComponents(instance, listing).map(({ name, problem }) => [name, problem])) },
      damageSighting(listing),
    ];
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    return [{ event: "damage", present: new Map([["vault", error.message]]), looked: new Set(["vault"]) }];
  }
}

function starving(instance: Instance): Sighting {
  const present = new Map<string, string>();
  for (const { name, deferral } of listTasks(instance)) {
    if (deferral?.starving === true) present.set(name, `deferred since ${deferral.deferredSince}: ${deferral.reason}`);
  }
  return { event: "starving", present };
}

export interface ConditionWatch {
  /** For every poll of a daemon: looks once a minute, in the background, and never twice at once. */
  readonly tick: () => void;
}

const EVERY = 60_000;

/** The same for a process that lives: says what is wrong once, and again when it had gone away. */
export function conditionWatch(instance: Instance, log: (level: "warn", message: string) => void, signal?: AbortSignal): ConditionWatch {
  let said: readonly string[] = [];
  let next = 0;
  let running = false;
  const look = async (): Promise<void> => {
    const problems = await watchConditions(instance, signal);
    for (const problem of problems) if (!said.includes(problem)) log("warn", `Notifications: ${problem}`);
    said = problems;
  };
  return {
    tick: () => {
      if (running || monotonicNow() < next) return;
      running = true;
      next = monotonicNow() + EVERY;
      look().then(
        () => (running = false),
        () => (running = false),
      );
    },
  };
}
