import { hash } from "node:crypto";
import type { FrameCache } from "../pack/frame-cache.ts";
import type { PackId } from "../pack/locator.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";

const NUMBERS = 4;
const HASH_BYTES = 32;
/** Between paths: none holds it. */
const BETWEEN = "\0";

/**
 * Contents that lie in one place each, most of a backup, in columns: a copy of an object for each of them takes a thread longer than its
 * proof. By value.
 */
export interface SmallContents {
  readonly packs: readonly PackId[];
  /** Of each: the number of its pack, frame, offset, length. */
  readonly places: Uint32Array;
  /** SHA-256 of each, one behind the other. */
  readonly sums: Uint8Array;
  readonly paths: string;
}

/** @param entries of contents in one place */
export function smallContents(entries: readonly TreeEntry[]): SmallContents {
  const numbers = new Map<PackId, number>();
  const places = new Uint32Array(entries.length * NUMBERS);
  const sums = Buffer.alloc(entries.length * HASH_BYTES);
  for (const [index, { entry, content }] of entries.entries()) {
    if (content.kind !== "place") continue;
    const { pack, frame, offset, length } = content.place;
    const number = numbers.get(pack) ?? numbers.size;
    numbers.set(pack, number);
    places.set([number, frame, offset, length], index * NUMBERS);
    sums.write(entry.sha256 ?? "", index * HASH_BYTES, "hex");
  }
  return { packs: [...numbers.keys()], places, sums, paths: entries.map(({ entry }) => entry.path).join(BETWEEN) };
}

/** @returns the path of one that is not what was recorded, if there is one. @throws DamageError where one cannot be read */
export function damagedContent({ packs, places, sums, paths }: SmallContents, frames: FrameCache): string | undefined {
  const recorded = Buffer.from(sums.buffer, sums.byteOffset, sums.byteLength);
  for (let index = 0; index * NUMBERS < places.length; index += 1) {
    const [number = 0, frame = 0, offset = 0, length = 0] = places.subarray(index * NUMBERS, (index + 1) * NUMBERS);
    const bytes = frames.get({ pack: packs[number] as PackId, frame, offset, length });
    const sum = recorded.toString("latin1", index * HASH_BYTES, (index + 1) * HASH_BYTES);
    if (hash("sha256", bytes, "binary") !== sum) return paths.split(BETWEEN)[index];
  }
  return undefined;
}
