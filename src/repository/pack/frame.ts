import { freeBuffer, InternalError, messageOf } from "../../kernel/index.ts";
import { damaged, decrypt, encrypt, type Seal } from "./seal.ts";
import { compress, decompress } from "./zstd.ts";

/** Raw bytes of one frame, at most. */
export const FRAME_LIMIT: number = 4 * 1024 * 1024;
/** Compression that saves less than this is not worth decoding again. */
const WORTHWHILE = 0.97;
const LARGEST_CHUNK = 1024 * 1024;
/** To set up zstd takes longer than to read so little more: a prune opens thousands of such parts. Raw bytes. */
const SMALL_PART = 16 * 1024;

/**
 * Compresses and seals one frame of a pack, raw where compression gains nothing.
 *
 * @param into memory for the result, used again by the caller
 */
export function sealFrame(seal: Seal, ordinal: number, raw: Uint8Array, into?: Buffer): Buffer {
  refuseLength(raw, FRAME_LIMIT);
  const packed = compress(raw);
  const sealed = packed.length > raw.length * WORTHWHILE ? encrypt(seal, ordinal, 0, raw, into) : encrypt(seal, ordinal, 1, packed, into);
  freeBuffer(packed);
  return sealed;
}

/**
 * @param rawLength as the directory of the pack says
 * @returns memory of its own
 * @throws DamageError when the frame does not authenticate or does not hold exactly that many bytes
 */
export function openFrame(seal: Seal, ordinal: number, sealed: Uint8Array, rawLength: number): Buffer {
  if (rawLength < 1 || rawLength > FRAME_LIMIT) throw damaged(seal, ordinal, `cannot hold ${rawLength} bytes`);
  const clear = decrypt(seal, ordinal, sealed);
  const payload = clear.subarray(1);
  const codec = clear[0];
  if (codec !== 0 && codec !== 1) throw damaged(seal, ordinal, `has the unknown codec ${codec}`);
  const raw = codec === 0 ? payload : unpack(seal, ordinal, payload, rawLength, rawLength);
  if (codec === 1) freeBuffer(clear);
  if (raw.length !== rawLength) throw damaged(seal, ordinal, `holds ${raw.length} bytes in place of ${rawLength}`);
  return raw;
}

/** Seals a part whose raw length is recorded nowhere, as a directory or a section: a small one raw, like one that compression gains nothing on. */
export function sealPart(seal: Seal, ordinal: number, raw: Uint8Array, limit: number): Buffer {
  refuseLength(raw, limit);
  if (raw.length <= SMALL_PART) return encrypt(seal, ordinal, 0, raw);
  const packed = compress(raw);
  return packed.length > raw.length * WORTHWHILE ? encrypt(seal, ordinal, 0, raw) : encrypt(seal, ordinal, 1, packed);
}

/** @param limit raw bytes that it may hold */
export function openPart(seal: Seal, ordinal: number, sealed: Uint8Array, limit: number): Buffer {
  const clear = decrypt(seal, ordinal, sealed);
  const payload = clear.subarray(1);
  const codec = clear[0];
  if (codec === 1) return unpack(seal, ordinal, payload, Math.min(clear.length * 4, LARGEST_CHUNK, limit), limit);
  if (codec !== 0) throw damaged(seal, ordinal, `has the unknown codec ${codec}`);
  if (payload.length > limit) throw damaged(seal, ordinal, `holds ${payload.length} bytes, and may hold ${limit}`);
  return payload;
}

/**
 * Nothing is committed that was not decoded again: bad memory and a defect of the compressor are found while the
 * original is still there.
 */
export function verifyFrame(seal: Seal, ordinal: number, sealed: Uint8Array, raw: Uint8Array): void {
  verify(seal, () => openFrame(seal, ordinal, sealed, raw.length), raw);
}

export function verifyPart(seal: Seal, ordinal: number, sealed: Uint8Array, raw: Uint8Array): void {
  verify(seal, () => openPart(seal, ordinal, sealed, raw.length), raw);
}

function verify(seal: Seal, open: () => Buffer, raw: Uint8Array): void {
  let decoded: Buffer;
  try {
    decoded = open();
  } catch (cause) {
    throw unfaithful(seal, messageOf(cause), cause);
  }
  const isSame = decoded.equals(raw);
  freeBuffer(decoded);
  if (!isSame) throw unfaithful(seal, "its bytes differ");
}

function unfaithful(seal: Seal, reason: string, cause?: unknown): InternalError {
  return new InternalError(`What was written into ${seal.subject} does not read back: ${reason}`, {
    cause,
    hint: "Test the memory of this machine; nothing was committed",
  });
}

function unpack(seal: Seal, ordinal: number, payload: Buffer, chunk: number, limit: number): Buffer {
  try {
    return decompress(payload, chunk, limit);
  } catch (cause) {
    throw damaged(seal, ordinal, `does not decompress: ${messageOf(cause)}`, cause);
  }
}

function refuseLength(raw: Uint8Array, limit: number): void {
  if (raw.length >= 1 && raw.length <= limit) return;
  throw new InternalError(`Cannot seal ${raw.length} bytes: a part has 1 to ${limit}`);
}
