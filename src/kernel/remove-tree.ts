import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "./errors.ts";
import { lstatAt } from "./file-identity.ts";

/** rm -rf of what is ours, also where a restored folder may not be written to by its owner. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM") throw error;
    unlock(path);
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

function unlock(path: string): void {
  if (lstatAt(path)?.isDirectory() !== true) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) unlock(join(path, name));
}
