import { createHash, hash, type Hash } from "node:crypto";
import type { Entry } from "./entry.ts";

/** Bytes that one of the hashes of a `pages_sha256` covers: whole pages, of every size that SQLite has. */
export const GROUP_BYTES: number = 64 * 1024;
/** Bytes of the hash of a group. */
export const SUM_BYTES = 32;

/** What an entry records of its content, and what the content must come to: each of those that are there. */
export type ContentProof = Pick<Entry, "sha256" | "pages_sha256">;

export function proofOf({ sha256, pages_sha256 }: Entry | Omit<Entry, "component">): ContentProof {
  return { ...(sha256 === undefined ? {} : { sha256 }), ...(pages_sha256 === undefined ? {} : { pages_sha256 }) };
}

/** Hashes a content group by group, in whichever pieces it comes. */
class GroupHash {
  readonly #told: (sum: Uint8Array) => void;
  #group: Hash | undefined;
  /** Bytes of the group under way. */
  #filled = 0;

  /** @param told of the hash of each group, when the group is full */
  constructor(told: (sum: Uint8Array) => void) {
    this.#told = told;
  }

  update(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const end = Math.min(bytes.length, done + GROUP_BYTES - this.#filled);
      this.#add(bytes.subarray(done, end));
      done = end;
    }
  }

  /** What is left is a group as well. */
  end(): void {
    if (this.#group !== undefined) this.#told(this.#group.digest());
    this.#group = undefined;
    this.#filled = 0;
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === GROUP_BYTES) return this.#told(hash("sha256", bytes, "buffer"));
    (this.#group ??= createHash("sha256")).update(bytes);
    this.#filled += bytes.length;
    if (this.#filled === GROUP_BYTES) this.end();
  }
}

/**
 * SHA-256 over the SHA-256 of each group of a content, the last one as long as what is left. Of a database the hashes of groups that have
 * not changed are at hand, so that a backup need not hash gigabytes again for a row.
 */
export class PagesHash {
  readonly #over: Hash = createHash("sha256");
  readonly #groups = new GroupHash((sum) => void this.#over.update(sum));

  /** @param bytes the next of the content */
  update(bytes: Uint8Array): void {
    this.#groups.update(bytes);
  }

  /** @param sums of the next groups, each of which is whole but for the last of all: SUM_BYTES for each */
  addSums(sums: Uint8Array): void {
    this.#over.update(sums);
  }

  /** Lower-case hex. */
  digest(): string {
    this.#groups.end();
    return this.#over.digest("hex");
  }
}

/** The hashes of groups that a part of a content has, for PagesHash.addSums(): parts can be hashed side by side. */
export class GroupSums {
  readonly #sums: Uint8Array[] = [];
  readonly #groups = new GroupHash((sum) => void this.#sums.push(sum));

  /** @param bytes the next of the part, which begins where a group does */
  update(bytes: Uint8Array): void {
    this.#groups.update(bytes);
  }

  /** SUM_BYTES for each group. */
  end(): Uint8Array {
    this.#groups.end();
    return Buffer.concat(this.#sums);
  }
}

/** Compares a content with what was recorded of it, as it goes by. */
export class ContentCheck {
  readonly #proof: ContentProof;
  readonly #whole: Hash | undefined;
  readonly #pages: PagesHash | undefined;

  constructor(proof: ContentProof) {
    this.#proof = proof;
    this.#whole = proof.sha256 === undefined ? undefined : createHash("sha256");
    this.#pages = proof.pages_sha256 === undefined ? undefined : new PagesHash();
  }

  update(bytes: Uint8Array): void {
    this.#whole?.update(bytes);
    this.#pages?.update(bytes);
  }

  /** Whether all of it was the content that was recorded; never where nothing was. May be asked once. */
  holds(): boolean {
    if (this.#whole === undefined && this.#pages === undefined) return false;
    return this.#whole?.digest("hex") === this.#proof.sha256 && this.#pages?.digest() === this.#proof.pages_sha256;
  }
}

/** The same of a content that is in one piece. */
export function isProved(content: Uint8Array, proof: ContentProof): boolean {
  // Most are small, and of one hash alone: an object for each takes longer than hashing it.
  if (proof.pages_sha256 === undefined) return hash("sha256", content) === proof.sha256;
  const check = new ContentCheck(proof);
  check.update(content);
  return check.holds();
}
