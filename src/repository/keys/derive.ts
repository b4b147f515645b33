import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from "node:crypto";
import { freeBuffer } from "../../kernel/index.ts";

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
export function packKey(master: Uint8Array, salt: Uint8Array): KeyObject {
  return createSecretKey(deriveKey(master, salt, "holdfast pack"));
}

/** The key of one sealed manifest, by the random salt in its header. */
export function manifestKey(master: Uint8Array, salt: Uint8Array): KeyObject {
  return createSecretKey(deriveKey(master, salt, "holdfast manifest"));
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
  const nonce = randomBytes(NONCE_LENGTH);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(Buffer.from(associated));
  const hidden = cipher.update(text);
  const sealed = Buffer.concat([nonce, hidden, cipher.final(), cipher.getAuthTag()]);
  freeBuffer(hidden);
  return sealed;
}

/** @returns undefined when the key is another, or a bit of it was changed: the two cannot be told apart */
export function openText(key: Uint8Array, sealed: Uint8Array, associated: string): Buffer | undefined {
  if (sealed.length < SEAL_LENGTH) return undefined;
  const end = sealed.length - TAG_LENGTH;
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH });
  decipher.setAAD(Buffer.from(associated)).setAuthTag(sealed.subarray(end));
  const text = decipher.update(sealed.subarray(NONCE_LENGTH, end));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return text;
}
