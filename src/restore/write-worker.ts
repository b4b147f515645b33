/** A thread that writes files: a buffer with small files, or a piece of a large one whose descriptor is open. */
import { parentPort } from "node:worker_threads";
import { errorAnswer, type WorkerAnswer } from "../kernel/index.ts";
import { writeFile, writePiece, type FileJob } from "./write-file.ts";

export type WriteJob =
  | { readonly buffer: Uint8Array<ArrayBuffer>; readonly files: readonly FileJob[] }
  | {
      readonly buffer: Uint8Array<ArrayBuffer>;
      readonly descriptor: number;
      readonly length: number;
      readonly position: number;
      readonly sparse: boolean;
    };

/** The buffer goes back: there are a few of them, used over and over. */
export type WriteDone = Uint8Array<ArrayBuffer>;

parentPort?.on("message", (job: WriteJob) => {
  const { buffer } = job;
  let answer: WorkerAnswer<WriteDone>;
  try {
    if ("files" in job) for (const file of job.files) writeFile(file, buffer.subarray(file.offset, file.offset + file.length));
    else writePiece(job.descriptor, buffer.subarray(0, job.length), job.position, job.sparse);
    answer = { result: buffer };
  } catch (error) {
    answer = errorAnswer(error, "write a restored file");
  }
  parentPort?.postMessage(answer, "result" in answer ? [buffer.buffer] : []);
});
