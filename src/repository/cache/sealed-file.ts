import { closeSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFully } from "../../kernel/index.ts";
import { openText, sealText } from "../keys/derive.ts";

/**
 * Writes a private file that is whole or not there, sealed under a key. It is not flushed: what a power cut leaves of it does not open, and costs what the lack of it
 * costs.
 *
 * @param fresh name beside it until it is whole
 */
export function writeSealedFile(path: string, fresh: string, key: Uint8Array, text: Uint8Array, associated: string): void {
  const descriptor = openSync(fresh, "w", 0o600);
  try {
    try {
      writeFully(descriptor, sealText(key, text, associated));
    } finally {
      closeSync(descriptor);
    }
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

/** @returns undefined when it was sealed otherwise, or is not as it was written. @throws system errors */
export function readSealedFile(path: string, key: Uint8Array, associated: string): Buffer | undefined {
  return openText(key, readFileSync(path), associated);
}
