import { randomUUID } from "node:crypto";
import { entryPoint, throwIfAborted, WorkerPool, aTurn } from "../kernel/index.ts";
import type { LocatedBackup } from "../vault/index.ts";
import { DividedFiles } from "./divided-files.ts";
import type { Work } from "./located-work.ts";
import type { WriteMessage } from "./write-located-worker.ts";
import { LocatedWriter, type FinishStep, type StepDone, type WriteStep } from "./write-located.ts";

/** Steps that the other thread has at a time: it never waits for this one, which writes as well. */
const AHEAD = 2;

interface WriteRequest {
  readonly located: LocatedBackup;
  /** Not worth a second thread. */
  readonly little: boolean;
  readonly signal?: AbortSignal;
  /** Told of every step that ends. May throw. */
  readonly onDone: (done: StepDone) => Promise<void>;
}

/**
 * Two threads take work from one list, of which this is the second; each reads, proves and writes what it took. All of it is
 * done when this resolves, and nothing is under way any more when it rejects.
 */
export async function writeInThreads(work: AsyncGenerator<Work, void>, { located, little, signal, onDone }: WriteRequest): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => void (failure ??= { error });
  const divided = new DividedFiles();
  const finishing: Promise<void>[] = [];

  async function lane(ahead: number, run: (step: WriteStep) => Promise<StepDone>): Promise<void> {
    const under = new Set<Promise<void>>();
    const send = (step: WriteStep): void => {
      divided.expect(step);
      const running: Promise<void> = told(run(step)).finally(() => under.delete(running));
      under.add(running);
    };
    try {
      for (let next = await work.next(); next.done !== true; next = await work.next()) {
        for (const step of next.value) {
          if (under.size >= ahead) await Promise.race(under);
          if (failure !== undefined) return;
          throwIfAborted(signal);
          send(step);
        }
      }
    } catch (error) {
      fail(error);
    } finally {
      await Promise.all(under);
    }
  }

  async function told(running: Promise<StepDone>): Promise<void> {
    try {
      const done = await running;
      await onDone(done);
      const finish = divided.after(done);
      if (finish === undefined || failure !== undefined) return;
      throwIfAborted(signal);
      finishing.push(told(finishIn(finish)));
    } catch (error) {
      fail(error);
    }
  }

  using here = new LocatedWriter(located.open());
  const runHere = async (step: WriteStep): Promise<StepDone> => {
    // Signals, and answers of the other thread, come in between.
    await aTurn();
    return here.do(step);
  };
  await using there = little ? undefined : new OtherThread(located);
  // A check of a large database takes seconds, in which this thread has others to answer.
  const finishIn = (step: FinishStep): Promise<StepDone> => (there === undefined ? runHere(step) : there.run(step));
  const lanes = [lane(1, runHere)];
  if (there !== undefined) lanes.unshift(lane(AHEAD, (step) => there.run(step)));
  await Promise.all(lanes);
  await Promise.all(finishing);
  await work.return();
  if (failure !== undefined) throw failure.error;
}

class OtherThread implements AsyncDisposable {
  readonly #pool = WorkerPool.of<WriteMessage, StepDone>(entryPoint(import.meta.url, "./write-located-worker"), 1);
  readonly #restore: string = randomUUID();
  readonly #opened: Promise<unknown>;

  constructor({ module, data }: LocatedBackup) {
    this.#opened = this.#pool.run({ kind: "open", restore: this.#restore, module, data });
    // Told to the first step.
    this.#opened.catch(() => {});
  }

  async run(step: WriteStep): Promise<StepDone> {
    const done = this.#pool.run({ restore: this.#restore, ...step });
    const [, result] = await Promise.all([this.#opened, done]);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.run({ kind: "close", restore: this.#restore }).catch(() => {});
  }
}
