import { renameSync, writeFileSync } from "node:fs";
import type { Layout } from "../layout.ts";

/**
 * Notes the highest number given out, so that the loss of the newest document is noticed as well. A hint: it may lag
 * behind after a crash and is never needed.
 */
export function noteNewest(layout: Layout, sequence: number): void {
  const temporary = `${layout.newest}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify({ sequence })}\n`, { mode: 0o600 });
    renameSync(temporary, layout.newest);
  } catch {
    // What was committed is committed, also when the disk is full to the last byte.
  }
}
