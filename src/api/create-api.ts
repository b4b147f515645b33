import { messageOf, VERSION } from "../kernel/index.ts";
import type { Instance, Orchestration } from "../operations/index.ts";
import { auditLog } from "./audit.ts";
import { EventHub } from "./event-hub.ts";
import { failedTokens } from "./failed-tokens.ts";
import type { Parts } from "./handler.ts";
import { idempotency } from "./idempotency.ts";
import { ledgerRuns } from "./ledger-runs.ts";
import { listen, type Listening } from "./listen.ts";
import type { Log } from "./log.ts";
import { problemOf } from "./problem-of.ts";
import { readings } from "./readings.ts";
import { routes } from "./routes.ts";
import { Runs } from "./runs.ts";
import { leaseNow } from "./serve-call.ts";
import { statusView } from "./status-view.ts";
import { openTokens } from "./tokens.ts";
import { watchEvents } from "./watch-events.ts";

export interface ApiParts {
  /** As it is configured at this moment: a configuration that is read again has its effect on the next request. */
  readonly instance: () => Instance;
  /** Of the daemon that serves; without one no task can be run. */
  readonly orchestration?: () => Orchestration | null;
  readonly log: Log;
  /** Stops what was started through it. */
  readonly giveUp?: AbortSignal;
}

export interface Api {
  /** Answers one request, with no socket between. */
  fetch(request: Request): Promise<Response>;
  /** Listens where `server.listen` says. */
  listen(): Promise<Listening>;
  /** Resolves when nothing that was started through it runs any longer. */
  settled(): Promise<void>;
}

/** How many runs of the ledger are looked at for events. */
const NEWEST = 50;
const NEVER: AbortSignal = new AbortController().signal;

/**
 * The API of one instance.
 *
 * @throws ConfigError TOKENS_INVALID · HostError when the tokens cannot be made
 */
export function createApi({ instance, orchestration = () => null, log, giveUp }: ApiParts): Api {
  const { config, clock } = instance();
  const { tokens, made } = openTokens(config.server.tokensFile, config.stateDir, clock);
  if (made !== null) log("info", `Made the tokens of the API: one for each scope in ${made}`);
  const hub: EventHub = new EventHub((count) => watch.listeners(count));
  const watch = watchEvents({
    lease: () => leaseNow({ instance, orchestration }),
    runs: () => ledgerRuns(instance(), orchestration(), NEWEST),
    publish: (event) => hub.publish(event),
    now: () => new Date(clock.now()).toISOString(),
    onFailure: (error) => log("debug", `Cannot look for events: ${messageOf(error)}`),
  });
  const status = statusView(instance);
  const runs = new Runs({
    instance,
    clock,
    publish: (event) => {
      if (event.type === "run.finished") status.forget();
      hub.publish(event);
    },
    giveUp,
    // What the caller has to mend is told to the caller alone.
    onFailure: (kind, error) =>
      log(problemOf(error).status >= 500 ? "warn" : "debug", `A ${kind} that the API had started failed: ${messageOf(error)}`),
  });
  const parts: Parts = {
    instance,
    orchestration,
    runs,
    readings: readings(instance),
    status,
    hub,
    clock,
    log,
    giveUp: giveUp ?? NEVER,
    version: VERSION,
  };
  const app = routes({
    parts,
    tokens,
    failedTokens: failedTokens(),
    idempotency: idempotency(),
    audit: auditLog(config.stateDir),
    log,
  });
  return {
    fetch: async (request) => await app.fetch(request, {}),
    listen: () =>
      listen({ server: instance().config.server, fetch: (request, env) => app.fetch(request, env), onClose: () => hub.close() }),
    settled: () => runs.settled(),
  };
}
