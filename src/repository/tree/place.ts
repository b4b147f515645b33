import { HostError } from "../../kernel/index.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { FRAME_LIMIT } from "../pack/frame.ts";
import { packIdOf, type Locator, type PackId } from "../pack/locator.ts";

/** Above any ordinal of a frame: a pack has 64 MiB, and a frame more than 16 bytes. */
const FRAMES_LIMIT: number = 2 ** 22;

/** The first byte of an object of metadata. */
export const KINDS = { run: 1, index: 1, chunks: 2, base: 3, layer: 4 } as const;
const HIGHEST_KIND = 4;

export function readKind(reader: ByteReader, kind: number): void {
  const found = reader.u8("its kind");
  if (found === kind) return;
  if (found <= HIGHEST_KIND) throw reader.refuse(`its kind is ${found}, and not ${kind}`);
  throw new HostError(
    "VERSION_UNSUPPORTED",
    `Cannot read an object of metadata: its kind is ${found}, and this version reads 1-${HIGHEST_KIND}`,
    {
      hint: "Update Holdfast on this machine",
    },
  );
}

/** Numbers the packs of one object in the order in which it names them, so that equal content gives equal bytes. */
export class PackNumbers {
  readonly #numbers: Map<PackId, number> = new Map();

  numberOf(pack: PackId): number {
    const known = this.#numbers.get(pack);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(pack, number);
    return number;
  }

  /** The list that the numbers count; what uses them is built before and appended after. */
  write(writer: ByteWriter): void {
    writer.varint(this.#numbers.size);
    for (const pack of this.#numbers.keys()) writer.bytes(Buffer.from(pack, "hex"));
  }
}

export function readPacks(reader: ByteReader): readonly PackId[] {
  const packs: PackId[] = [];
  const count = reader.count("the number of packs", 8);
  for (let number = 0; number < count; number++) packs.push(packIdOf(reader.bytes(8, "the id of a pack")));
  if (new Set(packs).size < count) throw reader.refuse("it lists a pack twice");
  return packs;
}

export function readPackNumber(reader: ByteReader, packs: readonly PackId[]): PackId {
  const number = reader.varint("the number of a pack");
  const pack = packs[number];
  if (pack === undefined) throw reader.refuse(`it names pack ${number} of ${packs.length}`);
  return pack;
}

export function writePlace(writer: ByteWriter, packs: PackNumbers, { pack, frame, offset }: Locator): void {
  writer.varint(packs.numberOf(pack)).varint(frame).varint(offset);
}

/** Refuses what cannot lie in a frame, so that nothing behind this door has to ask again. */
export function readPlace(reader: ByteReader, pack: PackId, frame: number, offset: number, length: number): Locator {
  if (frame >= FRAMES_LIMIT) throw reader.refuse(`it names frame ${frame} of a pack`);
  if (length < 1 || offset + length > FRAME_LIMIT) throw reader.refuse(`${length} bytes from ${offset} on do not lie in a frame`);
  return { pack, frame, offset, length };
}
