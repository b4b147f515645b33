import { closeSync, constants, copyFileSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { lstatAt } from "../kernel/index.ts";

/** Whether files below a folder can be copied into another without moving bytes. */
export function canReflink(from: string, into: string): boolean {
  // Between file systems a clone is refused, and a probe written beside the user's files would be a change to them.
  if (lstatAt(from)?.dev !== lstatAt(into)?.dev) return false;
  const probe = join(into, "probe");
  const clone = join(into, "probe-clone");
  try {
    closeSync(openSync(probe, "wx", 0o600));
    copyFileSync(probe, clone, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { force: true });
    rmSync(clone, { force: true });
  }
}
