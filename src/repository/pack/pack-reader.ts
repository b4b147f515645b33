import { createHash } from "node:crypto";
import { DamageError, freeBuffer } from "../../kernel/index.ts";
import type { Frame } from "./directory.ts";
import type { EpochLookup } from "./epoch-lookup.ts";
import { openFrame } from "./frame.ts";
import { HEADER_LENGTH } from "./header.ts";
import { readPackEnd, readPackHead } from "./pack-ends.ts";
import { packPath, type PackPlace } from "./pack-place.ts";
import { DAMAGE_HINT, decrypt, type Seal } from "./seal.ts";
import { StoredFile } from "./stored-file.ts";

/** Sealed bytes on their way to be opened, one frame at a time in a thread: many packs are open at once, and few are read. */
let passing: Buffer = Buffer.alloc(0);

/** One frame of the sequential reading. */
export interface SealedFrame {
  readonly ordinal: number;
  readonly frame: Frame;
  /** Valid until the next frame is asked for. */
  readonly sealed: Buffer;
}

/**
 * A pack of the vault, open for reading.
 *
 * @param folder of the vault
 * @throws DamageError BACKUP_DAMAGED when it is missing or not the pack that the table names · HostError VERSION_UNSUPPORTED
 */
export function openPack(folder: string, place: PackPlace, keys: EpochLookup): PackReader {
  const subject = `pack "${place.name}" (${place.id})`;
  const file = new StoredFile(packPath(folder, place.name), subject, "BACKUP_DAMAGED");
  try {
    const seal = readPackHead(file, folder, place, subject, keys);
    return new PackReader(file, place, seal, readPackEnd(file, seal));
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

export class PackReader implements Disposable {
  readonly frames: readonly Frame[];
  readonly place: PackPlace;
  readonly #file: StoredFile;
  readonly #seal: Seal;

  constructor(file: StoredFile, place: PackPlace, seal: Seal, frames: readonly Frame[]) {
    this.#file = file;
    this.place = place;
    this.#seal = seal;
    this.frames = frames;
  }

  /** The raw bytes of one frame, of which alone the file is read. */
  readFrame(ordinal: number): Buffer {
    const { frame, sealed } = this.#sealed(ordinal);
    return openFrame(this.#seal, ordinal, sealed, frame.raw);
  }

  /** Reads one frame and holds it to its seal, which takes a third of opening it. @throws DamageError */
  authenticate(ordinal: number): void {
    freeBuffer(decrypt(this.#seal, ordinal, this.#sealed(ordinal).sealed));
  }

  #sealed(ordinal: number): Omit<SealedFrame, "ordinal"> {
    const frame = this.frames[ordinal];
    if (frame === undefined) throw this.#damaged(`frame ${ordinal} is asked for, and it has ${this.frames.length}`);
    passing = ofLength(passing, frame.stored);
    return { frame, sealed: this.#file.fill(passing.subarray(0, frame.stored), frame.offset) };
  }

  /**
   * Every frame in order, the file read once from its first byte to its last; what was read is proved to be the bytes that the
   * pack is named after when the last frame has been taken, and not before.
   */
  *sealedFrames(): Generator<SealedFrame, void, void> {
    const hash = createHash("sha256").update(this.#file.read(0, HEADER_LENGTH));
    let memory: Buffer = Buffer.alloc(0);
    let end = HEADER_LENGTH;
    for (const [ordinal, frame] of this.frames.entries()) {
      memory = ofLength(memory, frame.stored);
      const sealed = this.#file.fill(memory.subarray(0, frame.stored), frame.offset);
      hash.update(sealed);
      yield { ordinal, frame, sealed };
      end = frame.offset + frame.stored;
    }
    hash.update(this.#file.read(end, this.#file.length - end));
    if (hash.digest("hex") !== this.place.name) throw this.#damaged("its bytes are not those it is named after");
  }

  /** The raw bytes of a frame of sealedFrames(), in memory of their own. */
  open({ ordinal, frame, sealed }: SealedFrame): Buffer {
    return openFrame(this.#seal, ordinal, sealed, frame.raw);
  }

  close(): void {
    this.#file[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #damaged(problem: string): DamageError {
    return new DamageError(this.#seal.code, `Cannot read ${this.#seal.subject}: ${problem}`, { hint: DAMAGE_HINT });
  }
}

/** The same memory where it is long enough. */
function ofLength(memory: Buffer, length: number): Buffer {
  return memory.length >= length ? memory : Buffer.allocUnsafeSlow(length);
}
