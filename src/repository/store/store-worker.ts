import { parentPort, threadId } from "node:worker_threads";
import { errorAnswer } from "../../kernel/index.ts";
import { ThreadSink } from "./content-sink.ts";
import { JobDoer } from "./do-job.ts";
import type { Job } from "./jobs.ts";

const doer = new JobDoer(`t${threadId}`, (frames) => new ThreadSink(frames));

parentPort?.on("message", (job: Job) => {
  try {
    parentPort?.postMessage({ result: doer.do(job) });
  } catch (error) {
    parentPort?.postMessage(errorAnswer(error, "store a content"));
  }
});
