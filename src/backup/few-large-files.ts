import { opendirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, lstatAt } from "../kernel/index.ts";
import type { BackupHead } from "../vault/index.ts";

/** Of a tree that is stored beside others: its entries wait in memory until the others are stored. */
const FEW_ENTRIES = 1000;
const LARGE_FILES: number = 1024 * 1024;

/**
 * Whether a tree is a few large files, such as logs: to look for them takes no time, and to store one is a thread's work.
 * It is what it was the last time; of one that was in no backup yet its own folder says so, which then has nothing but files.
 */
export function hasFewLargeFiles(name: string, path: string | null, newestGood: BackupHead | undefined): boolean {
  const before = newestGood?.manifest.component_details[name];
  if (before === undefined) return path !== null && isFolderOfFewLargeFiles(path);
  return before.source === "tree" && areFewAndLarge(before.entries, before.bytes);
}

function areFewAndLarge(entries: number, bytes: number): boolean {
  return entries <= FEW_ENTRIES && bytes >= entries * LARGE_FILES;
}

function isFolderOfFewLargeFiles(path: string): boolean {
  try {
    using folder = opendirSync(path);
    let [entries, bytes] = [0, 0];
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      entries += 1;
      if (!entry.isFile() || entries > FEW_ENTRIES) return false;
      bytes += Number(lstatAt(join(path, entry.name))?.size ?? 0n);
    }
    return entries > 0 && areFewAndLarge(entries, bytes);
  } catch (error) {
    // What cannot be listed is told when it is read.
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}
