import { randomBytes } from "node:crypto";
import type { ApiEvent, RunDocument, RunKind, RunProgress } from "../contract/index.ts";
import type { Clock } from "../kernel/index.ts";
import { runBackupEngine, type Instance } from "../operations/index.ts";
import { problemOf } from "./problem-of.ts";

/** Ended runs that are remembered. */
const REMEMBERED = 200;

export interface RunRequest<Result> {
  readonly kind: RunKind;
  /** Of our own command. */
  readonly args: readonly string[];
  /** Somebody waits for it. */
  readonly urgent: boolean;
  readonly backupId?: string;
  /** What the route answers, from what the command printed. */
  readonly finish: (document: Readonly<Record<string, unknown>>, runId: string) => Promise<Result> | Result;
}

type Ending = Partial<RunDocument> & Pick<RunDocument, "outcome">;

export interface WorkRequest<Result> {
  readonly kind: RunKind;
  /** Why; "manual" unless given. */
  readonly trigger?: string;
  readonly backupId?: string;
  readonly work: (told: {
    readonly id: string;
    /** What the command prints while it works. */
    readonly hear: (event: Readonly<Record<string, unknown>>) => void;
    /** The id of the backup is fixed. */
    readonly begin: (backup: string) => void;
  }) => Promise<Result>;
  /** How a run with this result ended; completed unless given. */
  readonly ended?: (result: Result) => Ending;
}

export interface StartedRun<Result> {
  readonly run_id: string;
  /** The id of a backup as soon as it is fixed; rejects with what kept it from having one. */
  readonly begun: Promise<string>;
  readonly done: Promise<Result>;
}

/**
 * What this API has started: each in a process of its own, which goes on when whoever asked for it hangs up. Remembers the
 * last ones, in memory.
 */
export class Runs {
  readonly #instance: () => Instance;
  readonly #clock: Clock;
  readonly #publish: (event: ApiEvent) => void;
  readonly #giveUp: AbortSignal | undefined;
  readonly #onFailure: (kind: RunKind, error: unknown) => void;
  readonly #documents: Map<string, RunDocument> = new Map();
  readonly #going: Set<Promise<unknown>> = new Set();
  readonly #counts: Map<string, number> = new Map();

  constructor(parts: {
    readonly instance: () => Instance;
    readonly clock: Clock;
    readonly publish: (event: ApiEvent) => void;
    /** Stops what runs; a client that hangs up does not. */
    readonly giveUp: AbortSignal | undefined;
    readonly onFailure: (kind: RunKind, error: unknown) => void;
  }) {
    this.#instance = parts.instance;
    this.#clock = parts.clock;
    this.#publish = parts.publish;
    this.#giveUp = parts.giveUp;
    this.#onFailure = parts.onFailure;
  }

  /** One command of our own. */
  start<Result extends object>({ args, urgent, finish, ...request }: RunRequest<Result>): StartedRun<Result> {
    return this.follow({
      ...request,
      work: async ({ id, hear, begin }) => {
        const instance = this.#instance();
        const run = { args, urgent, onEvent: hear, ...(this.#giveUp === undefined ? {} : { signal: this.#giveUp }) };
        const document = await (request.kind === "backup" ? runBackupEngine(instance, "manual", run) : instance.runEngine(run));
        const result = await finish(document, id);
        if (typeof document["id"] === "string") begin(document["id"]);
        return result;
      },
    });
  }

  /** Work whose commands tell through `hear`. */
  follow<Result extends object>(request: WorkRequest<Result>): StartedRun<Result> {
    const run_id = `run-${randomBytes(8).toString("hex")}`;
    const begun = Promise.withResolvers<string>();
    begun.promise.catch(() => {});
    this.#update("run.started", {
      run_id,
      kind: request.kind,
      task: null,
      trigger: request.trigger ?? "manual",
      outcome: "running",
      reason_code: null,
      reason: null,
      started_at: this.#now(),
      ended_at: null,
      backup_id: request.backupId ?? null,
      progress: null,
      result: null,
      problem: null,
      exit_code: null,
      last_lines: null,
    });
    const done = this.#run(run_id, request, begun);
    this.#going.add(done);
    done.catch(() => {}).finally(() => this.#going.delete(done));
    return { run_id, begun: begun.promise, done };
  }

  async #run<Result extends object>(id: string, request: WorkRequest<Result>, begun: PromiseWithResolvers<string>): Promise<Result> {
    const { kind, work, ended } = request;
    try {
      const result = await work({ id, hear: (event) => this.#heard(id, event, begun.resolve), begin: begun.resolve });
      const ending: Ending = ended?.(result) ?? { outcome: "completed" };
      this.#end(id, { ...ending, result: result as Readonly<Record<string, unknown>> });
      return result;
    } catch (error) {
      const problem = problemOf(error);
      const outcome = problem.code === "LEASE_HELD" ? "skipped" : "failed";
      this.#onFailure(kind, error);
      this.#end(id, { outcome, reason_code: problem.code, reason: problem.detail, problem });
      begun.reject(error);
      throw error;
    }
  }

  #heard(id: string, event: Readonly<Record<string, unknown>>, begin: (backup: string) => void): void {
    const run = this.#documents.get(id);
    if (run === undefined) return;
    if (event["event"] === "begin") {
      const backup_id = String(event["id"]);
      this.#update("run.progress", { ...run, backup_id });
      begin(backup_id);
    } else if (event["event"] === "progress") {
      const { phase, component, bytes, expected } = event as unknown as RunProgress;
      this.#update("run.progress", { ...run, progress: { phase, component, bytes, expected } });
    }
  }

  #end(id: string, end: Ending): void {
    const run = this.#documents.get(id);
    if (run === undefined) return;
    const key = `${run.kind} ${end.outcome}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#update("run.finished", { ...run, ...end, ended_at: this.#now(), progress: null });
    const ended = [...this.#documents.values()].filter(({ outcome }) => outcome !== "running");
    for (const { run_id } of ended.slice(0, -REMEMBERED)) this.#documents.delete(run_id);
  }

  #update(type: "run.started" | "run.progress" | "run.finished", run: RunDocument): void {
    this.#documents.set(run.run_id, run);
    this.#publish({ type, at: this.#now(), run: { ...run, result: null } });
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  get(id: string): RunDocument | undefined {
    return this.#documents.get(id);
  }

  /** Newest first. */
  list(): readonly RunDocument[] {
    return [...this.#documents.values()].toReversed();
  }

  isRunning(...kinds: readonly RunKind[]): boolean {
    return this.list().some(({ kind, outcome }) => outcome === "running" && kinds.includes(kind));
  }

  /** How many ended since the start, by kind and outcome. */
  counts(): readonly { readonly kind: string; readonly outcome: string; readonly count: number }[] {
    return [...this.#counts].map(([key, count]) => {
      const [kind = "", outcome = ""] = key.split(" ");
      return { kind, outcome, count };
    });
  }

  /** Resolves when nothing that was started runs any longer. */
  async settled(): Promise<void> {
    while (this.#going.size > 0) await Promise.allSettled(this.#going);
  }
}
