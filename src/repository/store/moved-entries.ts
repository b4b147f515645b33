import { isStoredBefore } from "../tree/stored-order.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import type { BaseEntries } from "./base-entries.ts";

/** The tree is read from its beginning each time that somebody asks for what lies in front: so often, at most. */
const MOST_BACK = 16;

/**
 * Entries by the paths that files had. What lies in a folder with another name is asked for in stored order, and so are logs that were
 * rotated; of files that were moved anyhow, those that are found going forward.
 */
export class MovedEntries {
  readonly #entries: BaseEntries;
  #asked = "";
  #back = 0;

  constructor(entries: BaseEntries) {
    this.#entries = entries;
  }

  /** @throws DamageError */
  find(path: string): TreeEntry | undefined {
    if (isStoredBefore(path, this.#asked) && (this.#back += 1) > MOST_BACK) return undefined;
    this.#asked = path;
    return this.#entries.find(path);
  }
}
