import { entryPoint, WorkerPool, throwIfAborted } from "../../kernel/index.ts";
import { Prover, type ProveAnswer, type ProveJob } from "./prove-job.ts";

/** Two threads that read back, of which this one is the second; what is little this one does alone. Ends with its disposal. */
export class ProveThreads implements AsyncDisposable {
  readonly #here = new Prover();
  readonly #pool = WorkerPool.of<ProveJob, ProveAnswer>(entryPoint(import.meta.url, "./prove-worker"), 1);
  readonly #under: Set<Promise<void>> = new Set();
  readonly #little: boolean;
  readonly #signal: AbortSignal | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(little: boolean, signal: AbortSignal | undefined) {
    this.#little = little;
    this.#signal = signal;
  }

  /**
   * Waits while as many jobs are under way as keep both threads at work.
   *
   * @param tell gets the answer, before or after this returns
   */
  async send(job: ProveJob, tell: (answer: ProveAnswer) => void): Promise<void> {
    throwIfAborted(this.#signal);
    this.#throwFailure();
    if (this.#little) {
      tell(this.#here.do(job));
      return;
    }
    const work: Promise<void> = this.#pool
      .share(job, (mine) => this.#here.do(mine))
      .then((answer) => tell(answer))
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => this.#under.delete(work));
    this.#under.add(work);
    if (this.#under.size >= this.#pool.width) await Promise.race(this.#under);
  }

  /** Waits for what is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#under);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#under);
    this.#here.close();
    await this.#pool.runOnEach({ kind: "end" }).catch(() => {});
  }
}
