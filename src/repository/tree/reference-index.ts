import type { MetaStore } from "./meta-store.ts";
import { hashOf, type Reference } from "./reference.ts";

/** Objects that are stored already, by what they hold. */
export class ReferenceIndex {
  readonly #references: Map<string, Reference> = new Map();

  constructor(references: Iterable<Reference> = []) {
    for (const reference of references) this.#references.set(reference.hash, reference);
  }

  find(hash: string, length: number): Reference | undefined {
    const found = this.#references.get(hash);
    return found?.place.length === length ? found : undefined;
  }
}

/** What objects are written with. */
export interface Keeping {
  readonly store: MetaStore;
  /** Whether an object may be named again where it lies. Not when its pack is to become free: then it is written anew. Default: always. */
  readonly reuse?: (reference: Reference) => boolean;
  /** Told of every object that is named again. */
  readonly onNamed?: (reference: Reference) => void;
}

/** Names the object where it lies already, or puts it. */
export function keepObject(object: Uint8Array, entries: number, known: ReferenceIndex | undefined, keeping: Keeping): Reference {
  const hash = hashOf(object);
  const found = known?.find(hash, object.length);
  const named = found?.entries === entries ? nameAgain(found, keeping) : undefined;
  return named ?? { place: keeping.store.put(object), hash, entries };
}

/** The reference, when its object may be named again. */
export function nameAgain(reference: Reference, { reuse, onNamed }: Keeping): Reference | undefined {
  if (reuse?.(reference) === false) return undefined;
  onNamed?.(reference);
  return reference;
}
