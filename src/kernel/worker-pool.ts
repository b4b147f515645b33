import { availableParallelism } from "node:os";
import { aTurn } from "./a-turn.ts";
import { Worker, type Transferable } from "node:worker_threads";
import { errorFromJson, HoldfastError, InternalError, namedSystemError } from "./errors.ts";

/** What a worker answers; errors travel as their JSON form. */
export type WorkerAnswer<R> = { readonly result: R } | { readonly error: unknown };

interface Waiting<R> {
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread<R> {
  readonly worker: Worker;
  readonly waiting: Waiting<R>[];
}

/** Jobs that wait for a thread before another one works for itself: while it does one, the thread never runs dry. */
const AHEAD = 2;

/** Pools by the module that their threads run. */
const pools = new Map<string, WorkerPool<never, unknown>>();

/**
 * A few threads that answer jobs in the order in which each of them got them. Started with the first job, so that little
 * work starts none; idle ones do not keep the process alive and serve what comes next.
 */
export class WorkerPool<J, R> {
  readonly #entry: URL;
  readonly #threads: Thread<R>[] = [];
  #long = 0;
  /** Ends when this thread has done what it was given before. */
  #own: Promise<unknown> = Promise.resolve();
  #failure: HoldfastError | undefined;

  readonly size: number;

  private constructor(entry: URL, size: number) {
    this.#entry = entry;
    this.size = size;
  }

  /**
   * The pool of a module. Its jobs and answers have the types that the module states.
   *
   * @param size threads at most; two, or as many as there are cores
   */
  static of<J, R>(entry: URL, size: number = Math.min(2, availableParallelism())): WorkerPool<J, R> {
    const known = pools.get(entry.href);
    if (known !== undefined && known.#failure === undefined) return known as unknown as WorkerPool<J, R>;
    const pool = new WorkerPool<J, R>(entry, size);
    pools.set(entry.href, pool as unknown as WorkerPool<never, unknown>);
    return pool;
  }

  /** Jobs that wait for an answer. */
  get waiting(): number {
    return this.#threads.reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  get started(): boolean {
    return this.#threads.length > 0;
  }

  async run(job: J, transfer: readonly Transferable[] = []): Promise<R> {
    if (this.#failure !== undefined) throw this.#failure;
    return await this.#post(this.#choose(), job, transfer);
  }

  /** As run(), of what takes long: as long as it is under way, share() leaves nothing to wait behind it. */
  async runLong(job: J): Promise<R> {
    this.#long += 1;
    try {
      return await this.run(job);
    } finally {
      this.#long -= 1;
    }
  }

  /** Starts a thread that will be wanted soon: until then it loads its modules. */
  warm(): void {
    if (this.#failure === undefined && this.#threads.length === 0) this.#threads.push(this.#start());
  }

  /**
   * As run(), but by this thread itself when so many jobs wait that the others do not run dry meanwhile. For a pool of one
   * thread, of which this one is the second: a third would be no faster, and has cost 90 MB.
   */
  async share(job: J, here: (job: J) => R): Promise<R> {
    if (this.#hasRoom()) return await this.run(job);
    // One after the other, each after a turn of the loop: several in one turn would leave the others without work meanwhile.
    const own = this.#own.then(aTurn).then(() => (this.#hasRoom() ? { elsewhere: this.run(job) } : { result: here(job) }));
    this.#own = own.then(
      () => {},
      () => {},
    );
    const done = await own;
    return "result" in done ? done.result : await done.elsewhere;
  }

  #hasRoom(): boolean {
    return this.#long === 0 && this.waiting < this.#ahead;
  }

  /** How many jobs share() has under way when every thread works, this one included. */
  get width(): number {
    return this.#ahead + 1;
  }

  get #ahead(): number {
    return this.size * AHEAD;
  }

  /** Asks every thread that is there the same; each answers after what it was asked before. */
  async runOnEach(job: J): Promise<readonly R[]> {
    return await Promise.all(this.#threads.map(async (thread) => await this.#post(thread, job, [])));
  }

  async #post({ worker, waiting }: Thread<R>, job: J, transfer: readonly Transferable[]): Promise<R> {
    if (this.#failure !== undefined) throw this.#failure;
    return await new Promise<R>((resolve, reject) => {
      if (waiting.length === 0) worker.ref();
      waiting.push({ resolve, reject });
      worker.postMessage(job, transfer);
    });
  }

  #choose(): Thread<R> {
    let best = this.#threads.toSorted((a, b) => a.waiting.length - b.waiting.length)[0];
    if (best === undefined || (best.waiting.length > 0 && this.#threads.length < this.size)) {
      best = this.#start();
      this.#threads.push(best);
    }
    return best;
  }

  #start(): Thread<R> {
    // Small young generations let go of external buffers sooner: 20 MB less for each thread.
    // Flags of the program itself are not a thread's: `--input-type` of a script on the command line ends it at once.
    const worker = new Worker(this.#entry, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 2 } });
    const waiting: Waiting<R>[] = [];
    worker.on("message", (answer: WorkerAnswer<R>) => {
      const next = waiting.shift();
      if (waiting.length === 0) worker.unref();
      if ("result" in answer) next?.resolve(answer.result);
      else next?.reject(errorFromJson(answer.error));
    });
    const fail = (cause: unknown): void => {
      this.#failure ??= new InternalError("A worker thread ended", { cause });
      for (const { reject } of waiting.splice(0)) reject(this.#failure);
    };
    worker.on("error", fail);
    worker.on("exit", () => fail(undefined));
    // Idle ones do not keep the process alive. Said last: to listen for its messages keeps it, as Node counts.
    worker.unref();
    return { worker, waiting };
  }

  /** Gives up the jobs under way, and the threads with them. Does nothing to a pool without any. */
  async stop(): Promise<void> {
    if (this.#threads.every(({ waiting }) => waiting.length === 0)) return;
    this.#failure ??= new InternalError("The work of the threads was given up");
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }
}

/** In a worker: the form in which a failure goes back. */
export function errorAnswer(error: unknown, doing: string): { readonly error: unknown } {
  const named = error instanceof HoldfastError ? error : namedSystemError(error, doing);
  return { error: named.toJSON() };
}
