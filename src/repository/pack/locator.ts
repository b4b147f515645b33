declare const brand: unique symbol;
/** The first 8 bytes of a pack's salt in hex: what trees and page maps call it by. */
export type PackId = string & { readonly [brand]: "PackId" };

/** Where bytes lie: in the raw bytes of one frame of one pack. */
export interface Locator {
  readonly pack: PackId;
  /** Ordinal of the frame, from 0. */
  readonly frame: number;
  readonly offset: number;
  readonly length: number;
}

/** @param bytes 8 of them */
export function packIdOf(bytes: Buffer): PackId {
  return bytes.toString("hex", 0, 8) as PackId;
}
