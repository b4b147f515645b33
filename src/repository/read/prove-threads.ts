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
    this.#note(
      this.#pool.share(job, (mine) => this.#here.do(mine)),
      tell,
    );
    if (this.#under.size >= this.#pool.width) await Promise.race(this.#under);
  }

  #note(answer: Promise<ProveAnswer>, tell: (answer: ProveAnswer) => void): void {
    const work: Promise<void> = answer
      .then(tell)
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => this.#under.delete(work));
    this.#under.add(work);
  }

  /** Waits until something that is under way has ended. */
  async oneDone(): Promise<void> {
    this.#throwFailure();
    await Promise.race(this.#under);
    this.#throwFailure();
  }

  /** Jobs that are under way at a time. */
  get width(): number {
    return this.#pool.width;
  }

  /** Waits for what is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#under);
    this.#throwFailure();
  }

  /** Waits for what is under way, and forgets what failed: whoever asks knows of it, and has something else to be done. */
  async goOn(): Promise<void> {
    await Promise.all(this.#under);
    this.#failure = undefined;
  }

  /** By this thread, whoever has interrupted. */
  here(job: ProveJob): ProveAnswer {
    return this.#here.do(job);
  }

  /** The answer of each thread that is there. */
  async ask(job: ProveJob): Promise<readonly ProveAnswer[]> {
    return [this.#here.do(job), ...(await this.#pool.runOnEach(job))];
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
