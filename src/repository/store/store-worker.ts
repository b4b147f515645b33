import { parentPort, threadId } from "node:worker_threads";
import { errorAnswer } from "../../kernel/index.ts";
import { ThreadSink } from "./content-sink.ts";
import { JobDoer } from "./do-job.ts";
import type { Job } from "./jobs.ts";

const doer = new JobDoer(`t${threadId}`, (frames) => new ThreadSink(frames));

async function answer(job: Job): Promise<void> {
  try {
    const result = doer.do(job);
    if (job.kind === "finish") await doer.flushed();
    parentPort?.postMessage({ result });
  } catch (error) {
    parentPort?.postMessage(errorAnswer(error, "store a content"));
  }
}

// Answers go back in the order of the jobs.
let last: Promise<void> = Promise.resolve();
parentPort?.on("message", (job: Job) => {
  last = last.then(() => answer(job));
});
