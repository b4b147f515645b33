import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync } from "node:fs";
import { writeFully } from "../../kernel/index.ts";
import { openingParts, sealingParts, SEAL_LENGTH } from "../keys/derive.ts";

/** Of a large cache, so much is in memory twice. Bytes. */
const PIECE = 1024 * 1024;

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
      for (const sealed of sealingParts(key, inPieces(text), associated)) writeFully(descriptor, sealed);
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
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    if (size < SEAL_LENGTH) return undefined;
    const piece = Buffer.allocUnsafe(Math.min(PIECE, size));
    const read = (length: number, position: number): Buffer => piece.subarray(0, readSync(descriptor, piece, 0, length, position));
    return openingParts(key, size, PIECE, read, associated);
  } finally {
    closeSync(descriptor);
  }
}

function* inPieces(text: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < text.length; at += PIECE) yield text.subarray(at, at + PIECE);
}
