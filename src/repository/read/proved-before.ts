import { hash } from "node:crypto";
import type { PackVerdict } from "../../vault/index.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";

/** Contents that are remembered: about 100 bytes of memory each. */
const MOST = 500_000;

/** What one run has read back so far, so that what backups share is read once in it. */
export class ProvedBefore {
  readonly packs: Map<string, PackVerdict> = new Map();
  /** Whether contents are remembered: with one backup there is nothing that they would save. */
  remember = false;
  readonly #now: () => number;
  readonly #contents: Set<string> = new Set();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param problem null when it is whole */
  found(pack: string, problem: string | null): void {
    // Whole seconds, rounded down: many packs have one time, and none is said to be younger than it is.
    this.packs.set(pack, { at: new Date(Math.floor(this.#now() / 1000) * 1000).toISOString(), problem });
  }

  /** Whether these very bytes were put together already, and had the hash that this entry names. */
  holds(tree: TreeEntry): boolean {
    return this.#contents.size > 0 && this.#contents.has(digestOf(tree));
  }

  add(entries: readonly TreeEntry[]): void {
    if (!this.remember) return;
    for (const tree of entries) if (this.#contents.size < MOST) this.#contents.add(digestOf(tree));
  }
}

/** Of the hash that the content must have, and of where it lies. */
function digestOf({ entry: { size, sha256, pages_sha256: pages }, content }: TreeEntry): string {
  const { kind } = content;
  const places = kind === "chunks" ? content.chunks.map(({ place }) => place) : content;
  return hash("sha256", JSON.stringify([size, sha256, pages, places]), "buffer").toString("latin1", 0, 16);
}
