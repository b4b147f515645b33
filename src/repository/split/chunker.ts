import { gearTable } from "./gear-table.ts";

const KIB = 1024;

/** Shorter content is one chunk, and no chunk but the last is shorter. */
export const SHORTEST_CHUNK: number = 128 * KIB;
/** The raw limit of a frame: a chunk never needs two. */
export const LONGEST_CHUNK: number = 1024 * KIB;
/** Up to here a boundary is rare, behind it frequent: most chunks end not far from here. 506 KiB is the mean. */
const NORMAL_CHUNK = 416 * KIB;
/** Once in 2 MiB. The highest bits, because those depend on the most bytes. */
const RARE = -1 << 11;
/** Once in 128 KiB. */
const FREQUENT = -1 << 15;
/** Bytes that the hash remembers: with each further one it is shifted by one of its 32 bits. */
const WINDOW = 32;

/**
 * Content-defined boundaries, after FastCDC (Xia et al., USENIX ATC 2016) with normalised chunking: a boundary depends
 * on the 32 bytes before it and on how far the chunk before reaches, so that behind an insertion the old ones are met again.
 *
 * The key keeps boundaries from those who see sizes only. Gear is no pseudo-random function: who may choose content and
 * watch the sizes that become of it can learn the table. Nothing but sizes hangs on it.
 */
export class Chunker {
  readonly #gear: Int32Array;
  #scanned = 0;

  /** @param key 32 bytes, for chunking alone */
  constructor(key: Uint8Array) {
    this.#gear = gearTable(key);
  }

  /** Bytes over which the hash was rolled up to now. */
  get scanned(): number {
    return this.#scanned;
  }

  /**
   * Where the chunk that begins at `from` ends, or -1 when that cannot be told from the bytes up to `to`. With
   * LONGEST_CHUNK bytes it can always be told. Keeps nothing from one call to the next.
   *
   * @param last the content ends at `to`
   */
  cut(buffer: Uint8Array, from: number, to: number, last: boolean): number {
    const earliest = from + SHORTEST_CHUNK;
    if (to < earliest) return last ? to : -1;
    const latest = Math.min(to, from + LONGEST_CHUNK);
    const normal = Math.min(latest, from + NORMAL_CHUNK);
    let end = firstBoundary(this.#gear, buffer, earliest, normal, RARE);
    if (end === -1) end = firstBoundary(this.#gear, buffer, normal + 1, latest, FREQUENT);
    this.#scanned += (end === -1 ? latest : end) - earliest + WINDOW;
    if (end === -1 && (last || latest === from + LONGEST_CHUNK)) return latest;
    return end;
  }
}

/** The first boundary from `earliest` to `latest`, both included, or -1. */
function firstBoundary(gear: Int32Array, buffer: Uint8Array, earliest: number, latest: number, mask: number): number {
  let at = earliest - WINDOW;
  // `| 0` keeps the sum an integer of 32 bits for the compiler: four times as fast.
  let rolled = 0;
  while (at < earliest - 1) rolled = ((rolled << 1) + (gear[buffer[at++] as number] as number)) | 0;
  while (at < latest) {
    rolled = ((rolled << 1) + (gear[buffer[at++] as number] as number)) | 0;
    if ((rolled & mask) === 0) return at;
  }
  return -1;
}
