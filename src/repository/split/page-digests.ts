import { createCipheriv, createSecretKey, hash, hkdfSync, type KeyObject } from "node:crypto";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/**
 * The two digests of the page cache, each under a key of its own that is drawn from the cache's key.
 *
 * The key is for the cache alone, and no digest leaves it: the cache is sealed.
 */
export class PageDigests {
  readonly #macKey: KeyObject;
  readonly #nonce: Buffer = Buffer.alloc(NONCE_BYTES);
  /** The key, and behind it room for a page: one hash over both without an object for each. */
  readonly #keyedPage: Buffer;

  /** @param key 32 bytes, for this cache alone */
  constructor(key: Uint8Array, pageSize: number) {
    // As a KeyObject: handed over as bytes, the key costs more than a group.
    this.#macKey = createSecretKey(Buffer.from(hkdfSync("sha256", key, "", "holdfast page group", KEY_BYTES)));
    this.#keyedPage = Buffer.alloc(KEY_BYTES + pageSize);
    this.#keyedPage.set(new Uint8Array(hkdfSync("sha256", key, "", "holdfast page", KEY_BYTES)));
  }

  /**
   * GMAC of a group, with its number as the nonce; 0.14 ms for each MiB, where SHA-256 needs 0.66.
   *
   * The same nonce under one key comes again with other content at every backup, which NIST SP 800-38D forbids: two tags
   * of one nonce, seen by somebody, give away the hash key, and with it forgeries. It is sound here. Nothing is encrypted,
   * so there is no key stream to lose. Nobody is shown a tag, and none is proof of anything to anybody: what is asked of
   * it is only that other content gives another tag. Of two contents of one nonce the tags differ as their GHASH does, and
   * that is a universal hash: two contents chosen without its key, of 64 KiB each, meet with a chance of at most 2^-115.
   */
  group(bytes: Uint8Array, group: number): Buffer {
    this.#nonce.writeUInt32LE(group);
    const gmac = createCipheriv("aes-256-gcm", this.#macKey, this.#nonce).setAAD(bytes);
    gmac.final();
    return gmac.getAuthTag();
  }

  /**
   * SHA-256 of the key and a page, of which 16 bytes are kept; one character a byte, which is cheaper than a buffer.
   *
   * With a key, because 128 bits are few against somebody who may write rows of the database and look for two pages that
   * meet at leisure: it takes the key to begin.
   */
  page(bytes: Uint8Array): string {
    this.#keyedPage.set(bytes, KEY_BYTES);
    return hash("sha256", this.#keyedPage, "binary");
  }
}
