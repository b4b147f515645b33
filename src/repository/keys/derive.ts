import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from "node:crypto";

export const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** What sealing adds to a text. */
export const SEAL_LENGTH: number = NONCE_LENGTH + TAG_LENGTH;
const NO_SALT = new Uint8Array(0);

/** What a vault needs keys for besides sealing; none of them is needed to read it. */
export type KeyPurpose = "chunk boundaries" | "run boundaries" | "cache" | "page change";

/** HKDF-SHA-256 to one key. */
export function deriveKey(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secretOf(secret), salt, info, KEY_LENGTH));
}

/** A master key is asked for the key of a thousand files. */
const secrets = new WeakMap<Uint8Array, KeyObject>();

function secretOf(secret: Uint8Array): KeyObject {
  let known = secrets.get(secret);
  if (known === undefined) secrets.set(secret, (known = createSecretKey(secret)));
  return known;
}

/** The key of one pack, by the random salt in its header. */
export function packKey(master: Uint8Array, salt: Uint8Array): Buffer {
  return deriveKey(master, salt, "holdfast pack");
}

/** The key of one sealed manifest, by the random salt in its header. */
export function manifestKey(master: Uint8Array, salt: Uint8Array): Buffer {
  return deriveKey(master, salt, "holdfast manifest");
}

export function purposeKey(master: Uint8Array, purpose: KeyPurpose): Buffer {
  return deriveKey(master, NO_SALT, `holdfast ${purpose}`);
}

/** The key under which an epoch keeps the master keys of those before it. */
export function previousKey(master: Uint8Array): Buffer {
  return deriveKey(master, NO_SALT, "holdfast previous");
}

/** AES-256-GCM under a random nonce: `nonce | ciphertext | tag`. For keys and caches, of which there are few under one key; packs count their nonces. */
export function sealText(key: Uint8Array, text: Uint8Array, associated: string): Buffer {
  return Buffer.concat([...sealingParts(key, [text], associated)]);
}

/** The same of a text in parts, in as many. */
export function* sealingParts(key: Uint8Array, parts: Iterable<Uint8Array>, associated: string): Generator<Buffer> {
  const nonce = randomBytes(NONCE_LENGTH);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(Buffer.from(associated));
  yield nonce;
  for (const part of parts) yield cipher.update(part);
  cipher.final();
  yield cipher.getAuthTag();
}

/** @returns undefined when the key is another, or a bit of it was changed: the two cannot be told apart */
export function openText(key: Uint8Array, sealed: Uint8Array, associated: string): Buffer | undefined {
  if (sealed.length < SEAL_LENGTH) return undefined;
  const read = (length: number, position: number): Uint8Array => sealed.subarray(position, position + length);
  return openingParts(key, sealed.length, sealed.length, read, associated);
}

/**
 * The same of what is read in pieces.
 *
 * @param size of all that was sealed, at least SEAL_LENGTH. Bytes
 * @param piece read at once, at most. Bytes
 * @param read gives so many bytes from a position on, until its next call; fewer when they are not there
 */
export function openingParts(
  key: Uint8Array,
  size: number,
  piece: number,
  read: (length: number, position: number) => Uint8Array,
  associated: string,
): Buffer | undefined {
  const end = size - TAG_LENGTH;
  const decipher = createDecipheriv("aes-256-gcm", key, new Uint8Array(read(NONCE_LENGTH, 0)), { authTagLength: TAG_LENGTH });
  decipher.setAAD(Buffer.from(associated));
  const text = Buffer.allocUnsafeSlow(end - NONCE_LENGTH);
  for (let at = NONCE_LENGTH; at < end;) {
    const sealed = read(Math.min(piece, end - at), at);
    if (sealed.length === 0) return undefined;
    decipher.update(sealed).copy(text, at - NONCE_LENGTH);
    at += sealed.length;
  }
  const tag = read(TAG_LENGTH, end);
  if (tag.length < TAG_LENGTH) return undefined;
  decipher.setAuthTag(tag);
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return text;
}
