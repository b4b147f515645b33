import { InternalError } from "../../kernel/index.ts";
import { decodeRun, encodeRun, RUN_LIMIT } from "../tree/run-codec.ts";
import type { StoredEntry as EncodedEntry } from "../tree/tree-entry.ts";
import type { StoredEntry } from "./same-tree.ts";

/**
 * The entries of a component in stored order, until all of them are stored and their tree can be written. A first backup keeps
 * them as the bytes of runs, about 100 for each: as objects they take ten times that, and a million are no rarity.
 */
export class EntryTape implements Iterable<StoredEntry> {
  readonly #encodes: boolean;
  readonly #parts: (StoredEntry | Uint8Array)[] = [];
  #pending: EncodedEntry[] = [];
  #length = 0;

  /** @param encodes false where entries are mostly the objects that were read from the backup before, and are told by being those */
  constructor(encodes: boolean) {
    this.#encodes = encodes;
  }

  get length(): number {
    return this.#length;
  }

  add(stored: StoredEntry): void {
    const { entry, kept } = stored;
    this.#length += 1;
    if (this.#encodes && (kept.kind === "none" || kept.kind === "place")) {
      this.#pending.push({ entry, content: kept });
      if (this.#pending.length === RUN_LIMIT) this.#encode();
      return;
    }
    this.#encode();
    this.#parts.push(stored);
  }

  *[Symbol.iterator](): Iterator<StoredEntry> {
    for (const part of this.#parts) {
      if (part instanceof Uint8Array) for (const encoded of decodeRun(part)) yield asStored(encoded);
      else yield part;
    }
    for (const encoded of this.#pending) yield asStored(encoded);
  }

  #encode(): void {
    if (this.#pending.length === 0) return;
    this.#parts.push(encodeRun(this.#pending));
    this.#pending = [];
  }
}

function asStored({ entry, content }: EncodedEntry): StoredEntry {
  if (content.kind === "none" || content.kind === "place") return { entry, kept: content };
  throw new InternalError(`An entry was kept as ${content.kind}`);
}
