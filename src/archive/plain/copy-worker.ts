/** A thread that stores files: batches of FileJob in, one FileDone for each out. */
import { parentPort } from "node:worker_threads";
import { errorAnswer, type WorkerAnswer } from "../../kernel/index.ts";
import { storeFile, type FileDone, type FileJob } from "./store-file.ts";

/** One read of a large file, and the largest file that is seen to hold still before it is written. Bytes. */
const BUFFER = 1024 * 1024;

const buffer = Buffer.allocUnsafeSlow(BUFFER);

parentPort?.on("message", (jobs: readonly FileJob[]) => {
  let answer: WorkerAnswer<readonly FileDone[]>;
  try {
    answer = { result: jobs.map((job) => storeFile(job, buffer, () => {})) };
  } catch (error) {
    answer = errorAnswer(error, "store a file");
  }
  parentPort?.postMessage(answer);
});
