import { rmSync } from "node:fs";
import type { Rig } from "./rig.ts";

/**
 * Folders to restore to: every run has one of its own, and none is removed before the last. ext4 does not give out the inodes of files
 * that were deleted in the last minutes, and who creates 30,000 files after 30,000 were removed goes past all of them
 * each time, which takes two thirds of such a run.
 */
export class FreshTargets implements Disposable {
  readonly #rig: Rig;
  readonly #given: string[] = [];

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  /** One that is not there yet. */
  next(): string {
    const target = this.#rig.place(`restored-${this.#given.length + 1}`);
    this.#given.push(target);
    return target;
  }

  [Symbol.dispose](): void {
    for (const target of this.#given) rmSync(target, { recursive: true, force: true });
  }
}
