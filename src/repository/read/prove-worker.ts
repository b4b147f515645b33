/** A thread that proves parts of a backup: what comes back is which packs are damaged. */
import { parentPort } from "node:worker_threads";
import { errorAnswer } from "../../kernel/index.ts";
import { Prover, type ProveJob } from "./prove-job.ts";

const prover = new Prover();

parentPort?.on("message", (job: ProveJob) => {
  try {
    parentPort?.postMessage({ result: prover.do(job) });
  } catch (error) {
    prover.close();
    parentPort?.postMessage(errorAnswer(error, "read a backup back"));
  }
});
