import { createHash } from "node:crypto";
import { readdirSync, type BigIntStats } from "node:fs";
import { lstatAt } from "../../kernel/index.ts";

/**
 * What a set of files looks like from outside: every name with kind, size and times. It changes when anybody writes to
 * it, and not when it is renamed: the change time of the top itself moves with a rename and is left out.
 *
 * @returns null when nothing is there
 */
export function printOf(path: string): string | null {
  const top = lstatAt(path);
  if (top === undefined) return null;
  const hash = createHash("sha256");
  hash.update(`${sortOf(top)} ${sizeOf(top)} ${top.mtimeNs} ${top.mode}\n`);
  if (top.isDirectory()) printInside(path, "", hash);
  return hash.digest("hex");
}

function printInside(folder: string, prefix: string, hash: ReturnType<typeof createHash>): void {
  for (const name of readdirSync(folder).toSorted()) {
    const path = `${folder}/${name}`;
    const stats = lstatAt(path);
    if (stats === undefined) continue;
    hash.update(`${prefix}${JSON.stringify(name)} ${sortOf(stats)} ${stats.ino} ${sizeOf(stats)} ${stats.mtimeNs} ${stats.ctimeNs}\n`);
    if (stats.isDirectory()) printInside(path, `${prefix}${JSON.stringify(name)}/`, hash);
  }
}

function sortOf(stats: BigIntStats): string {
  return String(stats.mode & 0o170000n);
}

/** The size of a folder is the file system's own business. */
function sizeOf(stats: BigIntStats): bigint {
  return stats.isDirectory() ? 0n : stats.size;
}
