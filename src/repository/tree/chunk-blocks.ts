import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { MetaSource } from "./meta-store.ts";
import { KINDS, PackNumbers, readKind, readPackNumber, readPacks, readPlace, writePlace } from "./place.ts";
import { keepObject, ReferenceIndex, type Keeping } from "./reference-index.ts";
import { checkCount, readObject, type Reference } from "./reference.ts";
import { drawOf, Splitter } from "./splitter.ts";
import type { Chunk } from "./tree-entry.ts";

/** At least so many chunks are in a block, but for the last one. */
export const CHUNKS_PER_BLOCK = 16;
const LENGTHS = { least: CHUNKS_PER_BLOCK, usual: 128, most: 512 } as const;
/** Length, hash and place. */
const SMALLEST_CHUNK = 20;

/**
 * Stores the list of a file's chunks in blocks that end where a chunk's hash says so: a file that grew, or changed in the
 * middle, keeps the blocks before and after.
 *
 * @param known blocks of an earlier list of the file
 */
export function writeChunks(chunks: readonly Chunk[], known: readonly Reference[], keeping: Keeping): readonly Reference[] {
  const index = new ReferenceIndex(known);
  const splitter = new Splitter<Chunk>(LENGTHS, ({ hash }) => drawOf(hash));
  const blocks: Reference[] = [];
  let start = 0;
  for (let end = 0; end <= chunks.length; end++) {
    const chunk = chunks[end];
    if (chunk !== undefined && !splitter.begins(chunk)) continue;
    if (end > start) blocks.push(keepObject(encodeChunks(chunks.slice(start, end)), end - start, index, keeping));
    start = end;
  }
  return blocks;
}

export function readChunks(source: MetaSource, blocks: readonly Reference[]): readonly Chunk[] {
  return blocks.flatMap((block) => {
    const chunks = decodeChunks(readObject(source, block, "a list of chunks"));
    checkCount(chunks.length, block, "a list of chunks");
    return chunks;
  });
}

function encodeChunks(chunks: readonly Chunk[]): Buffer {
  const packs = new PackNumbers();
  const body = new ByteWriter(4096).varint(chunks.length);
  for (const { length, hash, place } of chunks) {
    body.varint(length).bytes(Buffer.from(hash, "hex"));
    writePlace(body, packs, place);
  }
  const block = new ByteWriter(body.length + 64).u8(KINDS.chunks);
  packs.write(block);
  return block.bytes(body.view()).toBytes();
}

/** @throws DamageError BACKUP_DAMAGED */
export function decodeChunks(bytes: Uint8Array): readonly Chunk[] {
  const reader = new ByteReader(bytes, "a list of chunks");
  readKind(reader, KINDS.chunks);
  const packs = readPacks(reader);
  const chunks: Chunk[] = [];
  const count = reader.count("the number of chunks", SMALLEST_CHUNK);
  for (let number = 0; number < count; number++) {
    const length = reader.varint("the length of a chunk");
    const hash = reader.bytes(16, "the hash of a chunk").toString("hex");
    const pack = readPackNumber(reader, packs);
    const frame = reader.varint("the frame of a chunk");
    chunks.push({ length, hash, place: readPlace(reader, pack, frame, reader.varint("the offset of a chunk"), length) });
  }
  reader.end();
  return chunks;
}
