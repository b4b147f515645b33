/** A thread that writes files whose contents it reads by itself, through the module that their backup names. */
import { parentPort } from "node:worker_threads";
import { errorAnswer, InternalError, type WorkerAnswer } from "../kernel/index.ts";
import type { ContentsModule } from "../vault/index.ts";
import { LocatedWriter, type StepDone, type WriteStep } from "./write-located.ts";

/** Several restores may be under way in one process. */
export type WriteMessage = { readonly restore: string } & (
  | { readonly kind: "open"; readonly module: string; readonly data: unknown }
  | { readonly kind: "close" }
  | WriteStep
);

const NOTHING: StepDone = { bytes: 0, databases: [] };
const writers = new Map<string, LocatedWriter>();
/** Answers come in the order of what was asked. */
let before: Promise<void> = Promise.resolve();

parentPort?.on("message", (message: WriteMessage) => {
  before = before.then(async () => parentPort?.postMessage(await answer(message)));
});

async function answer(message: WriteMessage): Promise<WorkerAnswer<StepDone>> {
  try {
    return { result: await follow(message) };
  } catch (error) {
    return errorAnswer(error, "write a restored file");
  }
}

async function follow(message: WriteMessage): Promise<StepDone> {
  const { restore } = message;
  if (message.kind === "open") {
    const { openContents } = (await import(message.module)) as ContentsModule;
    writers.set(restore, new LocatedWriter(openContents(message.data)));
    return NOTHING;
  }
  const writer = writers.get(restore);
  if (message.kind === "close") {
    writer?.[Symbol.dispose]();
    writers.delete(restore);
    return NOTHING;
  }
  if (writer === undefined) throw new InternalError("A thread is told to write for a restore that it does not know");
  return writer.do(message);
}
