import { createHash, type Hash } from "node:crypto";
import type { Entry } from "./entry.ts";
import { PAGES_FEATURE } from "./manifest.ts";

/** Handed to the hash at once: a call for each entry takes longer than hashing it. Characters. */
const PENDING = 16 * 1024;

/** Of most files: no target, no other name, no holes, no database. */
const NONE_OF_FOUR = "-;-;-;-;";

/**
 * The checksum of a manifest: SHA-256 over every entry in stored order. Every field is preceded by its length in bytes,
 * so that "ab" + "c" and "a" + "bc" differ (the backup this grew from joined them without delimiters), and an absent
 * field differs from an empty one. What the hash of a database by pages covers is its content as well, so that it stands in the
 * place of the other one, whether that is known or not. Covers links, and a user's own file named manifest.json.
 */
export class EntryChecksum {
  #hash: Hash;
  #pending = "";
  #component: { readonly name: string | undefined; readonly text: string } = { name: undefined, text: "" };
  #owner: Partial<Pick<Entry, "type" | "mode" | "uid" | "gid">> & {
    readonly text: string;
    user?: string | undefined;
    group?: string | undefined;
  } = { text: "" };
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
    const { target, hard_link: link, sparse, database } = entry;
    this.#pending +=
      this.#ofComponent(component) +
      text(entry.path) +
      this.#ofOwner(entry) +
      plain(entry.mtime_ns) +
      plain(String(entry.size)) +
      plain(entry.pages_sha256 === undefined ? entry.sha256 : `pages:${entry.pages_sha256}`) +
      (target === undefined && link === undefined && sparse !== true && database !== true
        ? NONE_OF_FOUR
        : text(target) + text(link) + plain(sparse === true ? "sparse" : undefined) + plain(database === true ? "database" : undefined));
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

  #ofComponent(component: string): string {
    if (this.#component.name !== component) this.#component = { name: component, text: text(component) };
    return this.#component.text;
  }

  /** From its type to its group: mostly what the one before had, and told for a tenth of the time. */
  #ofOwner(entry: Omit<Entry, "component">): string {
    const { type, mode, uid, gid, user, group } = entry;
    const last = this.#owner;
    if (last.type !== type || last.mode !== mode || last.uid !== uid || last.gid !== gid || last.user !== user || last.group !== group) {
      const numbers = plain(type) + plain(mode.toString(8)) + plain(String(uid)) + plain(String(gid));
      this.#owner = { type, mode, uid, gid, user, group, text: numbers + text(user) + text(group) };
    }
    return this.#owner.text;
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
