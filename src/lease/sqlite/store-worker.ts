/** The thread of the lease store: one call at a time, in the order in which they come. */
import { parentPort, workerData } from "node:worker_threads";
import { errorAnswer } from "../../kernel/index.ts";
import { STORE_CALLS } from "./store-calls.ts";
import type { StoreJob } from "./store-thread.ts";
import type { StorePlace } from "./store.ts";

const place = workerData as StorePlace;

parentPort?.on("message", ({ id, name, rest }: StoreJob) => {
  let answer: { readonly result: unknown } | { readonly error: unknown };
  try {
    answer = { result: (STORE_CALLS[name] as (place: StorePlace, ...rest: readonly unknown[]) => unknown)(place, ...rest) };
  } catch (error) {
    answer = errorAnswer(error, `use the lease store (${name})`);
  }
  parentPort?.postMessage({ id, ...answer });
});
