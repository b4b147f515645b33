import { lstatSync, readdirSync, type Dirent } from "node:fs";
import { join } from "node:path";

/** Bytes and files below a folder, links not followed; what cannot be read counts nothing. */
export function measureFolder(folder: string): { readonly bytes: number; readonly files: number } {
  let bytes = 0;
  let files = 0;
  const queue = [folder];
  for (let current = queue.pop(); current !== undefined; current = queue.pop()) {
    for (const entry of readableEntries(current)) {
      const path = join(current, entry.name);
      if (entry.isDirectory()) queue.push(path);
      else if (entry.isFile()) {
        bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
        files += 1;
      }
    }
  }
  return { bytes, files };
}

function readableEntries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
