import { closeSync, fsync, openSync } from "node:fs";
import { promisify } from "node:util";
import { namedSystemError } from "./errors.ts";

/** As many as Node's threads do at a time. */
const AT_ONCE = 4;

/** By callback: `node:fs/promises` takes longer to load than a short file to flush. */
const fsyncLater = promisify(fsync);

/**
 * fsync of every file and folder given, several at a time. For what is few and large: unlike syncFileSystem() it does not
 * wait for what others have written.
 */
export async function syncFiles(paths: readonly string[]): Promise<void> {
  const left = [...paths];
  const syncOne = async (): Promise<void> => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) await syncFile(path);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, syncOne));
}

async function syncFile(path: string): Promise<void> {
  try {
    const descriptor = openSync(path, "r");
    try {
      await fsyncLater(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw namedSystemError(cause, `flush "${path}" to disk`);
  }
}
