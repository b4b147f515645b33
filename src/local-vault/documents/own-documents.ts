import type { Layout } from "../layout.ts";
import { isSame, isSettled, ReadBefore, stampAt, type Stamp } from "./read-before.ts";
import { readDocuments, type Documents } from "./read-documents.ts";

/** The documents of a vault for one opening of it, which reads no file twice that looks as it did. */
export class OwnDocuments {
  readonly #layout: Layout;
  readonly #vault: string;
  readonly reads: ReadBefore = new ReadBefore();
  #last: { readonly documents: Documents; readonly folders: readonly (Stamp | undefined)[] } | undefined;

  constructor(layout: Layout, vault: string) {
    this.#layout = layout;
    this.#vault = vault;
  }

  /** Looks at every file. */
  read(): Documents {
    const folders = this.#folders();
    const documents = readDocuments(this.#layout, this.#vault, this.reads);
    this.#last = { documents, folders };
    return documents;
  }

  /**
   * What was read last, when nothing has come, gone or been renamed since. Manifests are never written twice: a prune that
   * looks at a thousand of them again for each of its steps learns nothing.
   */
  recent(): Documents {
    const last = this.#last;
    const folders = this.#folders();
    const still = folders.every((stamp, index) => isSame(stamp, last?.folders[index]) && (stamp === undefined || isSettled(stamp)));
    return last !== undefined && still ? last.documents : this.read();
  }

  #folders(): readonly (Stamp | undefined)[] {
    const { top, trash, records, newest } = this.#layout;
    return [top, trash, records, newest].map((path) => stampAt(path));
  }
}
