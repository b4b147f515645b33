import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { DamageError, freeBuffer, type CodeOf } from "../../kernel/index.ts";

const TAG_LENGTH = 16;
/** What sealing adds: a codec byte and the tag. */
export const SEAL_LENGTH: number = 1 + TAG_LENGTH;
export const DAMAGE_HINT = "Use another backup, or another copy of this vault; look at the disk";
const NONCE_LENGTH = 12;

/** Raw bytes, or one zstd frame of them. */
export type Codec = 0 | 1;

/** One file under one key. A header holds fresh random salt, so that no ordinal is ever used twice under a key. */
export interface Seal {
  /** 32 bytes, of this file alone. As a KeyObject: handed over as bytes, it costs more than a small part. */
  readonly key: KeyObject;
  /** The first 48 bytes of the file: no frame reads back in another file. */
  readonly header: Buffer;
  /** What the file is, as it stands in a message: `pack "1f…"`. */
  readonly subject: string;
  /** The code of every refusal. */
  readonly code: CodeOf<"damage">;
}

/**
 * AES-256-GCM of the codec byte and the payload, then the tag.
 *
 * @param into memory for the result; without it, or when it is too small, the result has its own
 */
export function encrypt(seal: Seal, ordinal: number, codec: Codec, payload: Uint8Array, into?: Buffer): Buffer {
  const length = payload.length + SEAL_LENGTH;
  const sealed = into !== undefined && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length);
  const cipher = createCipheriv("aes-256-gcm", seal.key, nonceOf(ordinal), { authTagLength: TAG_LENGTH });
  cipher.setAAD(associatedData(seal, ordinal));
  cipher.update(Buffer.of(codec)).copy(sealed, 0);
  const enciphered = cipher.update(payload);
  enciphered.copy(sealed, 1);
  freeBuffer(enciphered);
  cipher.final();
  cipher.getAuthTag().copy(sealed, length - TAG_LENGTH);
  return sealed;
}

/** @returns the codec byte, then the payload; memory of its own */
export function decrypt(seal: Seal, ordinal: number, sealed: Uint8Array): Buffer {
  if (sealed.length <= SEAL_LENGTH) throw damaged(seal, ordinal, "is shorter than any");
  const end = sealed.length - TAG_LENGTH;
  const decipher = createDecipheriv("aes-256-gcm", seal.key, nonceOf(ordinal), { authTagLength: TAG_LENGTH });
  decipher.setAAD(associatedData(seal, ordinal));
  decipher.setAuthTag(sealed.subarray(end));
  const clear = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch (cause) {
    throw damaged(seal, ordinal, "does not authenticate", cause);
  }
  return clear;
}

/** The refusal of one frame; the directory of a pack has no number. */
export function damaged(seal: Seal, ordinal: number, problem: string, cause?: unknown): DamageError {
  const part = ordinal === DIRECTORY_ORDINAL ? "directory" : `part ${ordinal}`;
  return new DamageError(seal.code, `Cannot read ${seal.subject}: its ${part} ${problem}`, {
    cause,
    hint: DAMAGE_HINT,
  });
}

/** The directory of a pack counts as a frame behind all others. */
export const DIRECTORY_ORDINAL = 0xffff_ffff;

function nonceOf(ordinal: number): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUInt32LE(ordinal, 0);
  return nonce;
}

function associatedData(seal: Seal, ordinal: number): Buffer {
  const data = Buffer.allocUnsafe(seal.header.length + 4);
  seal.header.copy(data, 0);
  data.writeUInt32LE(ordinal, seal.header.length);
  return data;
}
