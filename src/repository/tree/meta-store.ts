import type { Locator } from "../pack/locator.ts";

/** Where objects of metadata are kept: gives the place of what was put. Grouping them into frames is its affair. */
export interface MetaStore {
  /** The bytes are not changed afterwards. */
  put(bytes: Uint8Array): Locator;
}

/** Reads objects of metadata back. */
export interface MetaSource {
  /** Valid until the next call: what is kept is copied. */
  get(place: Locator): Uint8Array;
}
