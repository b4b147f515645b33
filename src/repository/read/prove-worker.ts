/** A thread that proves parts of a backup: nothing comes back when they are whole. */
import { parentPort } from "node:worker_threads";
import { errorAnswer } from "../../kernel/index.ts";
import { Prover, type ProveJob } from "./prove-job.ts";

const prover = new Prover();

parentPort?.on("message", (job: ProveJob) => {
  try {
    prover.do(job);
    parentPort?.postMessage({ result: undefined });
  } catch (error) {
    prover.close();
    parentPort?.postMessage(errorAnswer(error, "read a backup back"));
  }
});
