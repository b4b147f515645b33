import { rmSync } from "node:fs";
import { join } from "node:path";
import { InternalError } from "../../kernel/index.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import type { FrameKind } from "../pack/directory.ts";
import type { Locator } from "../pack/locator.ts";
import { namesIn, newPacksFolder } from "../pack/pack-place.ts";
import { PACK_SIZES, type PackSizes } from "../pack/pack-sizes.ts";
import { PackWriter, type FinishedPack } from "../pack/pack-writer.ts";
import type { MetaStore } from "../tree/meta-store.ts";

/** Raw bytes of a frame: large enough to compress well, small enough that one file does not cost much to read. */
export const FRAME_BYTES: number = 1024 * 1024;

export interface FrameStoreOptions {
  /** Of the vault. */
  readonly folder: string;
  readonly epochKey: EpochKey;
  /** Of the files below `packs/.new/`; nobody else begins a name with it. */
  readonly prefix: string;
  /** PACK_SIZES unless given. */
  readonly sizes?: PackSizes;
}

/**
 * Takes bytes in order, groups them into frames and frames into packs, and says at once where they will lie. One thread's
 * own: synchronous throughout.
 */
export class FrameStore implements MetaStore {
  readonly #options: FrameStoreOptions;
  readonly #finished: FinishedPack[] = [];
  readonly #flushing: Promise<void>[] = [];
  #failure: { readonly error: unknown } | undefined;
  #writer: PackWriter | undefined;
  #frame: Buffer | undefined;
  #filled = 0;
  #kind: FrameKind = "data";
  #metadataBytes = 0;
  #ordinal = 0;
  #packs = 0;

  constructor(options: FrameStoreOptions) {
    this.#options = options;
  }

  /** Content. @param bytes one to a frame of them; copied */
  add(bytes: Uint8Array): Locator {
    return this.#append(bytes, "data");
  }

  /** Raw bytes of all metadata that was taken. */
  get metadataBytes(): number {
    return this.#metadataBytes;
  }

  /** Metadata. */
  put(bytes: Uint8Array): Locator {
    this.#metadataBytes += bytes.length;
    return this.#append(bytes, "meta");
  }

  #append(bytes: Uint8Array, kind: FrameKind): Locator {
    // What memory that was given back has become.
    if (bytes.length === 0) throw new InternalError("Nothing cannot be stored");
    if (kind !== this.#kind || this.#filled + bytes.length > FRAME_BYTES) this.#endFrame();
    this.#kind = kind;
    const writer = this.#openPack();
    const place = { pack: writer.id, frame: this.#ordinal, offset: this.#filled, length: bytes.length };
    if (bytes.length > FRAME_BYTES) {
      // An object of metadata, such as the layer of a large database, may need a frame of its own.
      writer.append(bytes, kind);
      this.#ordinal += 1;
      return place;
    }
    this.#frame ??= Buffer.allocUnsafeSlow(FRAME_BYTES);
    this.#frame.set(bytes, this.#filled);
    this.#filled += bytes.length;
    return place;
  }

  /** A frame begins in the pack in which it ends, so that its number is known before it is sealed. */
  #openPack(): PackWriter {
    if (this.#filled === 0 && (this.#writer?.storedBytes ?? 0) >= (this.#options.sizes ?? PACK_SIZES).full) this.#closePack();
    if (this.#writer === undefined) {
      const { folder, epochKey, prefix } = this.#options;
      this.#writer = new PackWriter({ folder, epochKey, name: `${prefix}.${(this.#packs += 1)}` });
      this.#ordinal = 0;
    }
    return this.#writer;
  }

  #endFrame(): void {
    if (this.#filled === 0) return;
    this.#openPack().append((this.#frame as Buffer).subarray(0, this.#filled), this.#kind);
    this.#ordinal += 1;
    this.#filled = 0;
  }

  #closePack(): void {
    if (this.#writer === undefined) return;
    const { pack, flushed } = this.#writer.closeAndFlush();
    this.#finished.push(pack);
    // Its failure is met by who waits for all of them.
    this.#flushing.push(flushed.catch((error: unknown) => void (this.#failure ??= { error })));
    this.#writer = undefined;
  }

  /** Everything that was taken lies in packs that have their names. Gives those since the last call. */
  finish(): readonly FinishedPack[] {
    this.#endFrame();
    this.#closePack();
    return this.#finished.splice(0);
  }

  /** What was closed is on the disk. A failure that was reported once is not reported again by the kernel, and is kept here. */
  async flushed(): Promise<void> {
    await Promise.all(this.#flushing.splice(0));
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Removes the pack under work. */
  abort(): void {
    this.#filled = 0;
    this.#writer?.abort();
    this.#writer = undefined;
  }
}

/** What threads have left that were ended, or never asked to finish. @param prefix of a draft; "" for everybody's */
export function removeUnfinishedPacks(folder: string, prefix: string): void {
  const place = newPacksFolder(folder);
  for (const name of namesIn(place)) if (name.startsWith(prefix)) rmSync(join(place, name), { force: true });
}
