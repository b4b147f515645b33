import { parentPort, threadId } from "node:worker_threads";

/** What an echo is asked; with a gate it answers once that is opened. */
export interface EchoJob {
  readonly text: string;
  /** Shared memory of one number; 0 is closed. */
  readonly gate?: Int32Array;
  /** Shared memory of one number, which is 1 once it has answered. */
  readonly answered?: Int32Array;
}

parentPort?.on("message", ({ text, gate, answered }: EchoJob) => {
  if (gate !== undefined) Atomics.wait(gate, 0, 0);
  parentPort?.postMessage({ result: `${text} by thread ${threadId}` });
  if (answered === undefined) return;
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
});
