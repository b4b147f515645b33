import { availableParallelism } from "node:os";
import { Worker, type Transferable } from "node:worker_threads";
import { errorFromJson, HoldfastError, InternalError, namedSystemError } from "../kernel/index.ts";

/** What a worker answers; errors travel as their JSON form. */
export type WorkerAnswer<R> = { readonly result: R } | { readonly error: unknown };

interface Waiting<R> {
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A few threads that answer jobs in the order in which each of them got them. Started with the first job, so that a
 * small backup starts none.
 */
export class WorkerPool<J, R> implements AsyncDisposable {
  readonly #entry: URL;
  readonly #workers: { readonly worker: Worker; readonly waiting: Waiting<R>[] }[] = [];
  #failure: HoldfastError | undefined;

  /** Two threads keep two cores busy; more gained nothing and cost memory. */
  readonly size: number = Math.min(2, availableParallelism());

  constructor(entry: URL) {
    this.#entry = entry;
  }

  get started(): boolean {
    return this.#workers.length > 0;
  }

  async run(job: J, transfer: readonly Transferable[] = []): Promise<R> {
    if (this.#failure !== undefined) throw this.#failure;
    const chosen = this.#choose();
    return await new Promise<R>((resolve, reject) => {
      chosen.waiting.push({ resolve, reject });
      chosen.worker.postMessage(job, transfer);
    });
  }

  #choose(): { readonly worker: Worker; readonly waiting: Waiting<R>[] } {
    let best = this.#workers.toSorted((a, b) => a.waiting.length - b.waiting.length)[0];
    if (best === undefined || (best.waiting.length > 0 && this.#workers.length < this.size)) {
      best = this.#start();
      this.#workers.push(best);
    }
    return best;
  }

  #start(): { readonly worker: Worker; readonly waiting: Waiting<R>[] } {
    // Small young generations let go of external buffers sooner: 20 MB less for each thread.
    const worker = new Worker(this.#entry, { resourceLimits: { maxYoungGenerationSizeMb: 2 } });
    const waiting: Waiting<R>[] = [];
    worker.on("message", (answer: WorkerAnswer<R>) => {
      const next = waiting.shift();
      if ("result" in answer) next?.resolve(answer.result);
      else next?.reject(errorFromJson(answer.error));
    });
    const fail = (cause: unknown): void => {
      this.#failure ??= new InternalError("A worker thread ended", { cause });
      for (const { reject } of waiting.splice(0)) reject(this.#failure);
    };
    worker.on("error", fail);
    worker.on("exit", () => fail(undefined));
    return { worker, waiting };
  }

  /** Ends the threads at once; jobs under way are given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.splice(0).map(({ worker }) => worker.terminate()));
  }
}

/** In a worker: the form in which a failure goes back. */
export function errorAnswer(error: unknown, doing: string): { readonly error: unknown } {
  const named = error instanceof HoldfastError ? error : namedSystemError(error, doing);
  return { error: named.toJSON() };
}
