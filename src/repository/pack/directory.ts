import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { FRAME_LIMIT } from "./frame.ts";
import { SEAL_LENGTH } from "./seal.ts";

/** `data` holds content of files, `meta` the objects that say where it lies. */
export type FrameKind = "data" | "meta";

export interface Frame {
  /** Of the sealed frame in the file. */
  readonly offset: number;
  /** Bytes of the sealed frame, tag included. */
  readonly stored: number;
  readonly raw: number;
  readonly kind: FrameKind;
}

/** Raw bytes of a directory, at most. */
export const DIRECTORY_LIMIT: number = FRAME_LIMIT;

const KINDS: readonly FrameKind[] = ["data", "meta"];

export function encodeDirectory(frames: readonly Frame[]): Buffer {
  const writer = new ByteWriter();
  writer.varint(frames.length);
  for (const { stored, raw, kind } of frames)
    writer
      .varint(stored)
      .varint(raw)
      .u8(KINDS.indexOf(kind) + 1);
  return writer.toBytes();
}

/**
 * @param start where the first frame lies in the file
 * @param end where the last one must end
 * @throws DamageError BACKUP_DAMAGED
 */
export function decodeDirectory(bytes: Uint8Array, subject: string, start: number, end: number): readonly Frame[] {
  const reader = new ByteReader(bytes, subject);
  const frames: Frame[] = [];
  let offset = start;
  for (let left = reader.count("the count of frames", 3); left > 0; left--) {
    const stored = reader.varint("the stored length of a frame");
    const raw = reader.varint("the raw length of a frame");
    const kind = KINDS[reader.u8("the kind of a frame") - 1];
    if (kind === undefined) throw reader.refuse("a frame is of no known kind");
    if (stored <= SEAL_LENGTH || stored > end - offset) throw reader.refuse(`a frame of ${stored} bytes does not fit`);
    if (raw < 1 || raw > FRAME_LIMIT) throw reader.refuse(`a frame cannot hold ${raw} bytes`);
    frames.push({ offset, stored, raw, kind });
    offset += stored;
  }
  reader.end();
  if (offset !== end) throw reader.refuse("its frames do not fill the file");
  return frames;
}
