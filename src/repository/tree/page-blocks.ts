import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { BLOCK_PAGES, LAYER_PAGES, PAGES_LIMIT } from "./content-codec.ts";
import { KINDS, PackNumbers, readKind, readPackNumber, readPacks, readPlace } from "./place.ts";
import type { Extent } from "./resolved-map.ts";

/** Changed pages over a base: their numbers, rising, and the extents that hold them in that order. */
export interface Layer {
  readonly numbers: ArrayLike<number>;
  readonly extents: readonly Omit<Extent, "first">[];
}

/** The bytes of a base block: extents of pages that follow one another. */
export function encodeBase(extents: Iterable<Extent>): Buffer {
  const packs = new PackNumbers();
  const body = new ByteWriter(16 * 1024);
  let count = 0;
  for (const { pages, pack, frame, offset } of extents) {
    body.varint(pages).varint(packs.numberOf(pack)).varint(frame).varint(offset);
    count += 1;
  }
  const block = new ByteWriter(body.length + 256).u8(KINDS.base);
  packs.write(block);
  return block.varint(count).bytes(body.view()).toBytes();
}

/**
 * Extents of the block, counted from its first page.
 *
 * @throws DamageError BACKUP_DAMAGED
 */
export function decodeBase(bytes: Uint8Array, pageSize: number): readonly Extent[] {
  const reader = new ByteReader(bytes, "a block of a page map");
  readKind(reader, KINDS.base);
  const packs = readPacks(reader);
  const extents: Extent[] = [];
  const count = reader.count("the number of extents", 4);
  let next = 0;
  for (let number = 0; number < count; number++) {
    const pages = reader.varint("the pages of an extent");
    const pack = readPackNumber(reader, packs);
    const frame = reader.varint("the frame of an extent");
    const { offset } = readPlace(reader, pack, frame, reader.varint("the offset of an extent"), pages * pageSize);
    extents.push({ first: next, pages, pack, frame, offset });
    next += pages;
    if (next > BLOCK_PAGES) throw reader.refuse(`it has more than ${BLOCK_PAGES} pages`);
  }
  reader.end();
  return extents;
}

export function encodeLayer({ numbers, extents }: Layer): Buffer {
  const packs = new PackNumbers();
  const body = new ByteWriter(numbers.length * 2 + extents.length * 8 + 16).varint(numbers.length);
  let before = 0;
  for (let index = 0; index < numbers.length; index++) {
    const page = numbers[index] ?? 0;
    body.varint(page - before);
    before = page;
  }
  body.varint(extents.length);
  for (const { pages, pack, frame, offset } of extents) body.varint(packs.numberOf(pack)).varint(frame).varint(offset).varint(pages);
  const layer = new ByteWriter(body.length + 64).u8(KINDS.layer);
  packs.write(layer);
  return layer.bytes(body.view()).toBytes();
}

/** @throws DamageError BACKUP_DAMAGED */
export function decodeLayer(bytes: Uint8Array, pageSize: number): Layer & { readonly numbers: Uint32Array } {
  const reader = new ByteReader(bytes, "a layer of a page map");
  readKind(reader, KINDS.layer);
  const packs = readPacks(reader);
  const numbers = readNumbers(reader);
  const extents: Omit<Extent, "first">[] = [];
  const count = reader.count("the number of extents", 4);
  let held = 0;
  for (let number = 0; number < count; number++) {
    const pack = readPackNumber(reader, packs);
    const frame = reader.varint("the frame of an extent");
    const offset = reader.varint("the offset of an extent");
    const pages = reader.varint("the pages of an extent");
    readPlace(reader, pack, frame, offset, pages * pageSize);
    extents.push({ pages, pack, frame, offset });
    held += pages;
  }
  if (held !== numbers.length) throw reader.refuse(`it has ${numbers.length} pages, and its extents hold ${held}`);
  reader.end();
  return { numbers, extents };
}

function readNumbers(reader: ByteReader): Uint32Array {
  const count = reader.count("the number of pages", 1);
  if (count > LAYER_PAGES) throw reader.refuse(`it has ${count} pages`);
  const numbers = new Uint32Array(count);
  let page = 0;
  for (let index = 0; index < count; index++) {
    const gap = reader.varint("the number of a page");
    if (gap === 0 && index > 0) throw reader.refuse("it has a page twice");
    page += gap;
    if (page >= PAGES_LIMIT) throw reader.refuse(`it has page ${page}`);
    numbers[index] = page;
  }
  return numbers;
}
