/** A thread that compresses: blocks of tar in, gzip members out. Both buffers come back to be used again. */
import { parentPort } from "node:worker_threads";
import { errorAnswer, type WorkerAnswer } from "../../kernel/index.ts";
import { encodeMember } from "./gzip-member.ts";

export interface GzipJob {
  readonly block: ArrayBuffer;
  readonly length: number;
  /** Room for the member. */
  readonly member: ArrayBuffer;
}

export interface GzipDone {
  readonly member: ArrayBuffer;
  readonly memberLength: number;
  readonly block: ArrayBuffer;
}

parentPort?.on("message", ({ block, length, member }: GzipJob) => {
  let answer: WorkerAnswer<GzipDone>;
  try {
    const { length: memberLength } = encodeMember(new Uint8Array(block, 0, length), member);
    answer = { result: { member, memberLength, block } };
    parentPort?.postMessage(answer, [member, block]);
  } catch (error) {
    answer = errorAnswer(error, "compress");
    parentPort?.postMessage(answer);
  }
});
