import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { KINDS, readKind } from "./place.ts";
import { readReference, writeReference, type Reference } from "./reference.ts";

/** The least that a reference takes in bytes, with the pack's id. */
export const SMALLEST_FULL_REFERENCE = 28;

/** The bytes of an index block: references of runs, in order. */
export function encodeIndex(references: readonly Reference[]): Buffer {
  const block = new ByteWriter(16 * 1024).u8(KINDS.index).varint(references.length);
  for (const reference of references) writeReference(block, reference);
  return block.toBytes();
}

/** @throws DamageError BACKUP_DAMAGED */
export function decodeIndex(bytes: Uint8Array): readonly Reference[] {
  const reader = new ByteReader(bytes, "an index of runs");
  readKind(reader, KINDS.index);
  const count = reader.count("the number of runs", SMALLEST_FULL_REFERENCE);
  const references: Reference[] = [];
  for (let number = 0; number < count; number++) references.push(readReference(reader));
  reader.end();
  return references;
}
