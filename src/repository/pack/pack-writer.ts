import { createHash, randomBytes } from "node:crypto";
import { closeSync, fsync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { crashpoint, errnoOf, InternalError, makeFolder, namedSystemError, writeFully } from "../../kernel/index.ts";
import { packKey } from "../keys/derive.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import { DIRECTORY_LIMIT, encodeDirectory, type Frame, type FrameKind } from "./directory.ts";
import { sealFrame, sealPart, verifyFrame, verifyPart } from "./frame.ts";
import { HEADER_LENGTH, makeHeader } from "./header.ts";
import { packIdOf, type PackId } from "./locator.ts";
import { newPacksFolder, packFolder, packPath, type PackPlace } from "./pack-place.ts";
import { DIRECTORY_ORDINAL, SEAL_LENGTH, type Seal } from "./seal.ts";
import { makeTrailer, PACK_LIMIT, TRAILER_LENGTH } from "./trailer.ts";

export interface FinishedPack extends PackPlace {
  /** Raw bytes of its data frames. */
  readonly rawData: number;
}

export interface PackWriterOptions {
  /** Of the vault. */
  readonly folder: string;
  readonly epochKey: EpochKey;
  /** Of the file below `packs/.new/`; nobody else uses it. */
  readonly name: string;
}

/** A directory entry has at most 4 + 4 + 1 bytes, and its frame a few more than it has. */
const DIRECTORY_ENTRY = 10;
const DIRECTORY_ROOM = 2048;
/** For one write: larger ones make the kernel look for memory in larger pieces, which on a virtual machine are rarely at hand. */
const WRITE_BYTES = 128 * 1024;

/**
 * One pack while it is written, by synchronous calls in a worker thread. Every frame is decoded again before it is written.
 * A commit waits until all packs are on the disk; to begin with that while others are written is for the caller.
 * What goes wrong leaves nothing but the file below `packs/.new/`, which abort() removes.
 */
export class PackWriter implements Disposable {
  readonly id: PackId;
  readonly #options: PackWriterOptions;
  readonly #path: string;
  readonly #seal: Seal;
  readonly #hash = createHash("sha256");
  readonly #frames: Frame[] = [];
  #descriptor: number | undefined;
  #memory: Buffer = Buffer.alloc(0);
  #failed = false;
  #rawBytes = 0;
  #rawData = 0;
  #storedBytes = 0;

  constructor(options: PackWriterOptions) {
    const header = makeHeader("HOLDFPK", options.epochKey.epoch, randomBytes(32));
    this.id = packIdOf(header.salt);
    this.#options = options;
    this.#path = join(newPacksFolder(options.folder), options.name);
    this.#seal = {
      key: packKey(options.epochKey.master, header.salt),
      header: header.bytes,
      subject: `pack ${this.id}`,
      code: "BACKUP_DAMAGED",
    };
    this.#attempt(() => {
      makeFolder(newPacksFolder(options.folder));
      this.#descriptor = openSync(this.#path, "wx", 0o600);
    });
    try {
      this.#write(header.bytes);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Raw bytes of all frames so far. */
  get rawBytes(): number {
    return this.#rawBytes;
  }

  /** Bytes of the file so far. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** @returns the ordinal of the frame */
  append(raw: Uint8Array, kind: FrameKind): number {
    const ordinal = this.#frames.length;
    this.#refuseOverflow(raw.length);
    const needed = raw.length + SEAL_LENGTH;
    if (this.#memory.length < needed) this.#memory = Buffer.allocUnsafeSlow(needed);
    const sealed = sealFrame(this.#seal, ordinal, raw, this.#memory);
    verifyFrame(this.#seal, ordinal, sealed, raw);
    this.#frames.push({ offset: this.#storedBytes, stored: sealed.length, raw: raw.length, kind });
    this.#write(sealed);
    this.#rawBytes += raw.length;
    if (kind === "data") this.#rawData += raw.length;
    return ordinal;
  }

  /** Writes the directory and gives the file its name; the pack is in the vault, and not yet on the disk. */
  close(): FinishedPack {
    const finished = this.#finish();
    this.#closeFile();
    return finished;
  }

  /** As close(), and begins to put it on the disk. */
  closeAndFlush(): { readonly pack: FinishedPack; readonly flushed: Promise<void> } {
    const pack = this.#finish();
    return { pack, flushed: this.#flush() };
  }

  #finish(): FinishedPack {
    if (this.#frames.length === 0) throw new InternalError(`Cannot close ${this.#seal.subject}: it holds nothing`);
    const directory = encodeDirectory(this.#frames);
    const sealed = sealPart(this.#seal, DIRECTORY_ORDINAL, directory, DIRECTORY_LIMIT);
    verifyPart(this.#seal, DIRECTORY_ORDINAL, sealed, directory);
    this.#write(sealed);
    this.#write(makeTrailer(sealed.length));
    const name = this.#hash.digest("hex");
    this.#attempt(() => this.#publish(name));
    // Many may wait for the disk.
    this.#memory = Buffer.alloc(0);
    return { id: this.id, name, length: this.#storedBytes, rawData: this.#rawData };
  }

  /** Removes what was written, unless the pack is closed; may be called at any time. */
  abort(): void {
    if (this.#descriptor === undefined) return;
    this.#attempt(() => {
      this.#closeFile();
      rmSync(this.#path, { force: true });
    });
  }

  [Symbol.dispose](): void {
    this.abort();
  }

  #publish(name: string): void {
    const folder = packFolder(this.#options.folder, name);
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    crashpoint("pack-before-publish");
    renameSync(this.#path, packPath(this.#options.folder, name));
    crashpoint("pack-published");
  }

  #write(bytes: Buffer): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined || this.#failed)
      throw new InternalError(`Cannot write to ${this.#seal.subject}: ${this.#failed ? "a write failed before" : "it is closed"}`);
    this.#hash.update(bytes);
    this.#attempt(() => writeFully(descriptor, bytes, null, WRITE_BYTES));
    this.#storedBytes += bytes.length;
  }

  #refuseOverflow(more: number): void {
    const directory = DIRECTORY_ROOM + (this.#frames.length + 1) * DIRECTORY_ENTRY;
    const length = Math.max(this.#storedBytes, HEADER_LENGTH) + more + SEAL_LENGTH + directory + TRAILER_LENGTH;
    if (length > PACK_LIMIT) throw new InternalError(`Cannot append ${more} bytes to ${this.#seal.subject}: it is full`);
  }

  async #flush(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor === undefined) return;
    try {
      await promisify(fsync)(descriptor);
    } catch (cause) {
      throw namedSystemError(cause, `flush ${this.#seal.subject} to disk`);
    } finally {
      closeSync(descriptor);
    }
  }

  #closeFile(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.#failed = true;
      throw namedSystemError(cause, `write ${this.#seal.subject} as "${this.#path}"`);
    }
  }
}
