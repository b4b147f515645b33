/** A thread that compresses: blocks of tar in, gzip members out. The block comes back to be filled again. */
import { parentPort } from "node:worker_threads";
import { errorAnswer, type WorkerAnswer } from "../worker-pool.ts";
import { encodeMember } from "./gzip-member.ts";

export interface GzipJob {
  readonly block: ArrayBuffer;
  readonly length: number;
}

export interface GzipDone {
  readonly member: ArrayBuffer;
  readonly memberLength: number;
  readonly block: ArrayBuffer;
}

parentPort?.on("message", ({ block, length }: GzipJob) => {
  let answer: WorkerAnswer<GzipDone>;
  try {
    // A buffer of its own: nothing else lies in the memory that is handed over.
    const member = encodeMember(new Uint8Array(block, 0, length));
    const bytes = member.buffer as ArrayBuffer;
    answer = { result: { member: bytes, memberLength: member.length, block } };
    parentPort?.postMessage(answer, [bytes, block]);
  } catch (error) {
    answer = errorAnswer(error, "compress");
    parentPort?.postMessage(answer);
  }
});
