import { createHash, type Hash } from "node:crypto";
import type { Entry } from "./entry.ts";

/**
 * The checksum of a manifest: SHA-256 over every entry in stored order. Every field is preceded by its length in bytes,
 * so that "ab" + "c" and "a" + "bc" differ (the backup this grew from joined them without delimiters), and an absent
 * field differs from an empty one. Covers links, and a user's own file named manifest.json.
 */
export class EntryChecksum {
  #hash: Hash;

  constructor(hash: Hash = createHash("sha256")) {
    this.#hash = hash;
  }

  add(entry: Entry): void {
    this.#hash.update(
      field(entry.component) +
        field(entry.path) +
        field(entry.type) +
        field(entry.mode.toString(8)) +
        field(String(entry.uid)) +
        field(String(entry.gid)) +
        field(entry.user) +
        field(entry.group) +
        field(entry.mtime_ns) +
        field(String(entry.size)) +
        field(entry.sha256) +
        field(entry.target) +
        field(entry.hard_link) +
        field(entry.sparse === true ? "sparse" : undefined) +
        field(entry.database === true ? "database" : undefined),
    );
  }

  /** Where it stands now, to come back to when a component fails. */
  copy(): EntryChecksum {
    return new EntryChecksum(this.#hash.copy());
  }

  /** In the form of the manifest. May be asked once more after further entries. */
  value(): string {
    return `sha256:${this.#hash.copy().digest("hex")}`;
  }
}

function field(value: string | undefined): string {
  return value === undefined ? "-;" : `${Buffer.byteLength(value)}:${value};`;
}
