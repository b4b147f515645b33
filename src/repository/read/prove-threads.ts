import { DamageError, entryPoint, WorkerPool, throwIfAborted } from "../../kernel/index.ts";
import { Prover, type ProveAnswer, type ProveJob } from "./prove-job.ts";

/** Jobs that are left to the other thread at a time: enough for while this one does not look up. */
const LEFT_AHEAD = 16;

/** Two threads that read back, of which this one is the second; what is little this one does alone. Ends with its disposal. */
export class ProveThreads implements AsyncDisposable {
  readonly #here = new Prover();
  readonly #pool = WorkerPool.of<ProveJob, ProveAnswer>(entryPoint(import.meta.url, "./prove-worker"), 1);
  readonly #under: Set<Promise<void>> = new Set();
  #left: Promise<void> = Promise.resolve();
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

  /**
   * Leaves jobs to the other thread while this one has something else to do; left() waits for them. What is not begun when
   * somebody interrupts is not done, nor when something fails. Damage is no such failure: whoever is told of it wants to know of all.
   */
  leave<J extends ProveJob>(jobs: readonly J[], tell: (job: J, answer: ProveAnswer) => void): void {
    const next = jobs.values();
    const lane = async (): Promise<void> => {
      try {
        for (const job of next) {
          if (this.#stops) return;
          tell(job, this.#little ? this.#here.do(job) : await this.#pool.run(job));
        }
      } catch (error) {
        this.#failure ??= { error };
      }
    };
    this.#left = Promise.all(Array.from({ length: LEFT_AHEAD }, lane)).then(() => {});
  }

  get #stops(): boolean {
    if (this.#signal?.aborted === true) return true;
    return this.#failure !== undefined && !(this.#failure.error instanceof DamageError);
  }

  /** Waits for what was left to the other thread, also after a failure, which it does not tell. */
  async left(error?: unknown): Promise<void> {
    if (error !== undefined) this.#failure ??= { error };
    await this.#left;
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
    await Promise.all([...this.#under, this.#left]);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#under, this.#left]);
    this.#here.close();
    await this.#pool.runOnEach({ kind: "end" }).catch(() => {});
  }
}
