import { closeSync } from "node:fs";
import { GROUP_BYTES, SUM_BYTES } from "../vault/index.ts";
import { openNew } from "./write-file.ts";
import type { FinishStep, LocatedFile, StepDone, WriteStep } from "./write-located.ts";

interface DividedFile {
  readonly file: LocatedFile;
  /** Parts that are not written yet. */
  left: number;
  readonly sums: Uint8Array;
}

/** The files of one restore that threads write in parts: each is made before the first of them, and finished after the last. */
export class DividedFiles {
  readonly #begun = new Map<string, DividedFile>();

  /** @param step that a thread is given next; the first part of a file comes before its others */
  expect(step: WriteStep): void {
    if (step.kind !== "begin" || step.part?.from !== 0) return;
    const { file, part } = step;
    closeSync(openNew(file.path));
    this.#begun.set(file.path, { file, left: part.parts, sums: new Uint8Array(Math.ceil(file.size / GROUP_BYTES) * SUM_BYTES) });
  }

  /** @returns what is to be done when no part of a file is left */
  after({ part }: StepDone): FinishStep | undefined {
    const divided = part === undefined ? undefined : this.#begun.get(part.path);
    if (part === undefined || divided === undefined) return undefined;
    const { file, sums } = divided;
    sums.set(part.sums, (part.from / GROUP_BYTES) * SUM_BYTES);
    divided.left -= 1;
    return divided.left > 0 ? undefined : { kind: "finish", file, sums };
  }
}
