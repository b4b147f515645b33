import type { Locator } from "../pack/locator.ts";
import { PackUse } from "../tree/pack-use.ts";
import type { Keeping } from "../tree/reference-index.ts";
import type { Reference } from "../tree/reference.ts";
import type { ComponentRoot, TreeRoot } from "../tree/roots.ts";
import { TreeWriter, type WrittenContent } from "../tree/tree-writer.ts";
import type { Base } from "./base.ts";
import type { FrameStore } from "./frame-store.ts";
import type { Kept, KeptEntries, StoredEntry } from "./kept.ts";

export interface TreePlace {
  /** Where metadata goes. */
  readonly frames: FrameStore;
  readonly boundaryKey: Uint8Array;
}

/** The tree of a component while it is stored: as far as it is that of the backup before, nothing is written. */
export class ComponentTree {
  readonly #name: string;
  readonly #base: Base | undefined;
  readonly #keeping: Keeping;
  readonly #writer: TreeWriter;
  /** What the tree names. */
  #use: PackUse = new PackUse();

  constructor(name: string, base: Base | undefined, { frames, boundaryKey }: TreePlace) {
    this.#name = name;
    this.#base = base;
    const put = (bytes: Uint8Array): Locator => {
      const place = frames.put(bytes);
      this.#use.addMetadata(place);
      return place;
    };
    this.#keeping = {
      store: { put },
      reuse: ({ place }) => base?.keeps(place.pack) === true,
      onNamed: ({ place }) => this.#use.addMetadata(place),
    };
    const before = base === undefined ? {} : { previous: base.index, runFrom: base.runFrom };
    this.#writer = new TreeWriter({ ...this.#keeping, boundaryKey, ...before });
  }

  /** In stored order. */
  add({ entry, kept }: StoredEntry): void {
    this.#writer.add({ entry, content: this.#contentOf(kept) });
  }

  /** Entries of the base, as they are. */
  keep({ entries, run }: KeptEntries): void {
    if (run === undefined || !this.#writer.keep(run)) for (const { entry, content } of entries) this.add({ entry, kept: content });
    else for (const { content } of entries) if (content.kind === "place") this.#use.addContent(content.place);
  }

  get use(): PackUse {
    return this.#use;
  }

  /**
   * The tree of what was added so far, for somebody who may have to go on from there.
   *
   * @param partly a database of which only the front is stored
   */
  soFar(partly: StoredEntry | undefined): { readonly root: ComponentRoot; readonly use: PackUse } {
    this.#writer.settle();
    const own = this.#use;
    // What is written for the time being is named by this tree alone.
    this.#use = PackUse.of([own]);
    try {
      const root = this.#writer.soFar(partly === undefined ? [] : [{ entry: partly.entry, content: this.#contentOf(partly.kept) }]);
      return { root: { name: this.#name, root }, use: this.#use };
    } finally {
      this.#use = own;
    }
  }

  /** All of it. One that is in every respect what it was in the base is the base's own. */
  finish(): ComponentRoot {
    const root = this.#writer.finish();
    return { name: this.#name, root: this.#base !== undefined && isSameRoot(root, this.#base.root) ? this.#base.root : root };
  }

  #contentOf(kept: Kept): WrittenContent {
    if (kept.kind === "place") this.#use.addContent(kept.place);
    if (kept.kind === "chunks") for (const { place } of kept.chunks) this.#use.addContent(place);
    if (kept.kind !== "pages" && kept.kind !== "map") return kept;
    return () => {
      const { ref, resolved } = kept.kind === "map" ? kept.map : kept.writeMap(this.#keeping);
      if (kept.kind === "map") for (const { place } of [...ref.blocks, ...ref.layers]) this.#use.addMetadata(place);
      this.#use.addPages(resolved);
      return { kind: "pages", map: ref };
    };
  }
}

/** Root by root: of each that was taken over the reference is the very object, but for those that an index block was decoded to again. */
function isSameRoot(one: TreeRoot, other: TreeRoot): boolean {
  if (one.level !== other.level || one.references.length !== other.references.length) return false;
  return one.references.every((reference, index) => isSameReference(reference, other.references[index] as Reference));
}

function isSameReference(one: Reference, other: Reference): boolean {
  const [place, before] = [one.place, other.place];
  return (
    one === other ||
    (one.hash === other.hash && place.pack === before.pack && place.frame === before.frame && place.offset === before.offset)
  );
}
