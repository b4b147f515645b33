/** When a pack is full, and when it is small. Bytes of its file. */
export interface PackSizes {
  /** A pack that has so many bytes takes no further frame. */
  readonly full: number;
  /** Many that are shorter than this become one. */
  readonly small: number;
}

export const PACK_SIZES: PackSizes = { full: 16 * 1024 * 1024, small: 4 * 1024 * 1024 };
