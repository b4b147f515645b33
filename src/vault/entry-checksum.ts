import { createHash, type Hash } from "node:crypto";
import type { Entry } from "./entry.ts";
import { PAGES_FEATURE } from "./manifest.ts";

/** Handed to the hash at once: a call for each entry takes longer than hashing it. Characters. */
const PENDING = 16 * 1024;

/**
 * The checksum of a manifest: SHA-256 over every entry in stored order. Every field is preceded by its length in bytes,
 * so that "ab" + "c" and "a" + "bc" differ (the backup this grew from joined them without delimiters), and an absent
 * field differs from an empty one. What the hash of a database by pages covers is its content as well, so that it stands in the
 * place of the other one, whether that is known or not. Covers links, and a user's own file named manifest.json.
 */
export class EntryChecksum {
  #hash: Hash;
  #pending = "";
  #namesPages: boolean;

  constructor(hash: Hash = createHash("sha256"), namesPages = false) {
    this.#hash = hash;
    this.#namesPages = namesPages;
  }

  /** What a reader must know to come to the same value, in the form of the manifest. */
  get features(): readonly string[] {
    return this.#namesPages ? [PAGES_FEATURE] : [];
  }

  add(component: string, entry: Omit<Entry, "component">): void {
    this.#namesPages ||= entry.pages_sha256 !== undefined;
    this.#pending +=
      text(component) +
      text(entry.path) +
      plain(entry.type) +
      plain(entry.mode.toString(8)) +
      plain(String(entry.uid)) +
      plain(String(entry.gid)) +
      text(entry.user) +
      text(entry.group) +
      plain(entry.mtime_ns) +
      plain(String(entry.size)) +
      plain(entry.pages_sha256 === undefined ? entry.sha256 : `pages:${entry.pages_sha256}`) +
      text(entry.target) +
      text(entry.hard_link) +
      plain(entry.sparse === true ? "sparse" : undefined) +
      plain(entry.database === true ? "database" : undefined);
    if (this.#pending.length > PENDING) this.#flush();
  }

  /** Where it stands now, to come back to when a component fails. */
  copy(): EntryChecksum {
    this.#flush();
    return new EntryChecksum(this.#hash.copy(), this.#namesPages);
  }

  /** In the form of the manifest. May be asked once more after further entries. */
  value(): string {
    this.#flush();
    return `sha256:${this.#hash.copy().digest("hex")}`;
  }

  #flush(): void {
    this.#hash.update(this.#pending);
    this.#pending = "";
  }
}

function text(value: string | undefined): string {
  return value === undefined ? "-;" : `${Buffer.byteLength(value)}:${value};`;
}

/** Of what is ASCII by its rules: as many bytes as characters. */
function plain(value: string | undefined): string {
  return value === undefined ? "-;" : `${value.length}:${value};`;
}
