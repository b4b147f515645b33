import { Worker } from "node:worker_threads";
import { entryPoint, errorFromJson, InternalError, type WorkerAnswer } from "../../kernel/index.ts";
import type { StoreAnswer, StoreCall, StoreThread } from "./store-calls.ts";
import type { StorePlace } from "./store.ts";

export interface StoreJob {
  readonly id: number;
  readonly name: StoreCall;
  readonly rest: readonly unknown[];
}

export type StoreReply = { readonly id: number } & WorkerAnswer<unknown>;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A thread for the store: its commits wait for the disk, up to a fifth of a second when it is busy, which the event loop of
 * a daemon or a host must not do. Descriptors are the process's, so that a beacon lit there is held here.
 */
export function threadOfItsOwn(place: StorePlace): StoreThread {
  let worker: Worker | undefined;
  let failure: InternalError | undefined;
  let last = 0;
  const waiting = new Map<number, Waiting>();
  const start = (): Worker => {
    // Else the end of the thread would close the beacon of a lease that is still held.
    const thread = new Worker(entryPoint(import.meta.url, "./store-worker"), { execArgv: [], workerData: place, trackUnmanagedFds: false });
    thread.on("message", ({ id, ...answer }: StoreReply) => {
      const one = waiting.get(id);
      waiting.delete(id);
      if (waiting.size === 0) thread.unref();
      if ("result" in answer) one?.resolve(answer.result as never);
      else one?.reject(errorFromJson(answer.error));
    });
    const fail = (cause?: unknown): void => {
      failure ??= new InternalError("The thread of the lease store ended", { cause });
      for (const one of waiting.values()) one.reject(failure);
      waiting.clear();
    };
    thread.on("error", fail);
    thread.on("exit", () => fail());
    return thread;
  };
  return {
    call: async (name, ...rest) => {
      if (failure !== undefined) throw failure;
      worker ??= start();
      const thread = worker;
      return await new Promise<StoreAnswer<typeof name>>((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        thread.ref();
        thread.postMessage({ id: last, name, rest } satisfies StoreJob);
      });
    },
    stop: async () => {
      const thread = worker;
      failure ??= new InternalError("The thread of the lease store was stopped");
      await thread?.terminate();
    },
  };
}
