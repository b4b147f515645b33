import type { Answer, Call, Calls } from "../contract/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Instance, Orchestration } from "../operations/index.ts";
import type { EventHub } from "./event-hub.ts";
import type { Log } from "./log.ts";
import type { Readings } from "./readings.ts";
import type { Runs } from "./runs.ts";
import type { StatusView } from "./status-view.ts";
import type { Token } from "./tokens.ts";

/** What every handler works with. */
export interface Parts {
  /** As it is configured at this moment. */
  readonly instance: () => Instance;
  /** Of the daemon that serves; null where there is none. */
  readonly orchestration: () => Orchestration | null;
  readonly runs: Runs;
  readonly readings: Readings;
  readonly status: StatusView;
  /** Whoever serves is in a hurry: what runs gives up, with nothing half-made. */
  readonly giveUp: AbortSignal;
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
}

/** One request, read and allowed. */
export interface Asked<C extends Call> {
  readonly params: C["params"] extends object ? C["params"] : object;
  readonly query: C["query"] extends object ? C["query"] : object;
  readonly body: C["body"] extends object ? C["body"] : object;
  /** null where none is needed and none was given. */
  readonly token: Token | null;
  readonly headers: Headers;
  /** The client has hung up. */
  readonly signal: AbortSignal;
}

interface ReplyExtras {
  readonly headers?: Readonly<Record<string, string>>;
  /** A try that came to nothing: the same Idempotency-Key may try again. */
  readonly mayEndOtherwise?: boolean;
}
type Reply<A extends Answer> = A extends Answer ? A & ReplyExtras : never;

export type Handler<C extends Call> = (parts: Parts, asked: Asked<C>) => Promise<Reply<C["answer"]>>;
/** One for each row of the table, and no other. */
export type Handlers = { readonly [Name in keyof Calls]: Handler<Calls[Name]> };
export type HandlersOf<Names extends keyof Calls> = { readonly [Name in Names]: Handler<Calls[Name]> };
