import { DamageError, freeBuffer } from "../../kernel/index.ts";
import type { EpochLookup } from "./epoch-lookup.ts";
import type { Locator, PackId } from "./locator.ts";
import type { PackPlace } from "./pack-place.ts";
import { openPack, type PackReader } from "./pack-reader.ts";
import { DAMAGE_HINT } from "./seal.ts";

/** What resolves an id to a file; a pack table does. */
export interface PackLookup {
  get(id: PackId): PackPlace | undefined;
}

export interface FrameCacheOptions {
  /** Of the vault. */
  readonly folder: string;
  readonly packs: PackLookup;
  readonly keys: EpochLookup;
  /** Bytes of decoded frames that are kept; the newest one stays whatever its size. */
  readonly budget: number;
  /** Packs that are open at once; 16 unless it is given. */
  readonly openPacks?: number;
  /**
   * Memory of frames that are let go of is free at once, and none waits to be collected: 70 MB less in each thread. For who
   * is done with the bytes of one get() before the next.
   */
  readonly frees?: boolean;
  /** Told of every frame that was read from the disk and is what was sealed. */
  readonly onRead?: (pack: PackId, ordinal: number) => void;
}

const OPEN_PACKS = 16;

/** Reads bytes by their locators, from many packs, and keeps the frames and the packs that were used last. */
export class FrameCache implements Disposable {
  readonly #options: FrameCacheOptions;
  /** Least lately used first, as a Map keeps the order of insertion. */
  readonly #frames = new Map<string, Buffer>();
  readonly #readers = new Map<PackId, PackReader>();
  #kept = 0;

  constructor(options: FrameCacheOptions) {
    this.#options = options;
  }

  /**
   * Exactly the bytes of a locator, as a view of the decoded frame: never to be written to, and it keeps the frame in memory.
   * With `frees` it is good until the next call.
   *
   * @throws DamageError BACKUP_DAMAGED · HostError
   */
  get({ pack, frame, offset, length }: Locator): Buffer {
    const raw = this.#frame(pack, frame);
    if (!(offset >= 0 && length >= 0 && offset + length <= raw.length))
      throw damaged(`Frame ${frame} of pack ${pack} has ${raw.length} bytes, and ${length} from ${offset} on are asked for`);
    return raw.subarray(offset, offset + length);
  }

  /** Bytes of the decoded frames that are kept. */
  get kept(): number {
    return this.#kept;
  }

  /** Frees nothing: a generator that reads from here may have ended, and closed it, before its last piece was looked at. */
  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    this.#frames.clear();
    this.#kept = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #frame(pack: PackId, ordinal: number): Buffer {
    const key = `${pack}/${ordinal}`;
    const known = this.#frames.get(key);
    if (known !== undefined) {
      touch(this.#frames, key, known);
      return known;
    }
    const raw = this.#reader(pack).readFrame(ordinal);
    this.#options.onRead?.(pack, ordinal);
    this.#kept += raw.length;
    for (const [oldest, bytes] of this.#frames) {
      if (this.#kept <= this.#options.budget) break;
      this.#frames.delete(oldest);
      this.#kept -= bytes.length;
      if (this.#options.frees === true) freeBuffer(bytes);
    }
    this.#frames.set(key, raw);
    return raw;
  }

  #reader(pack: PackId): PackReader {
    const known = this.#readers.get(pack);
    if (known !== undefined) {
      touch(this.#readers, pack, known);
      return known;
    }
    const place = this.#options.packs.get(pack);
    if (place === undefined) throw damaged(`Pack ${pack} is named by this backup, and its table does not hold it`);
    const reader = openPack(this.#options.folder, place, this.#options.keys);
    for (const [oldest, open] of this.#readers) {
      if (this.#readers.size < (this.#options.openPacks ?? OPEN_PACKS)) break;
      this.#readers.delete(oldest);
      open.close();
    }
    this.#readers.set(pack, reader);
    return reader;
  }
}

function touch<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
}

function damaged(message: string): DamageError {
  return new DamageError("BACKUP_DAMAGED", message, { hint: DAMAGE_HINT });
}
