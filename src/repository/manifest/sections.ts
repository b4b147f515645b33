import { DamageError } from "../../kernel/index.ts";
import { HEADER_LENGTH } from "../pack/header.ts";
import { DAMAGE_HINT, SEAL_LENGTH } from "../pack/seal.ts";
import type { StoredFile } from "../pack/stored-file.ts";

/** The sections of a backup file in their order: the place in it is the ordinal under which a section is sealed. */
export const SECTIONS = ["manifest", "packs", "roots"] as const;
export type Section = (typeof SECTIONS)[number];

/** Raw bytes of one section, at most. */
export const SECTION_LIMIT: number = 64 * 1024 * 1024;
/** What does not compress becomes a little longer. */
const STORED_LIMIT: number = SECTION_LIMIT + SECTION_LIMIT / 128;
/** The length before each section. */
export const PREFIX_LENGTH = 4;
/** Read at once: a backup of a few hundred packs is shorter. */
const HEAD = 32 * 1024;

export interface SectionPlace {
  readonly position: number;
  readonly length: number;
}

/** Of the file that is read now, for all of them: a listing reads thousands, one after another. */
const head: Buffer = Buffer.allocUnsafeSlow(HEAD);

/**
 * A backup file with its first bytes at hand, so that most reads of it are one. What it gives is good until the next file is read so:
 * nobody waits for anything between the two, and keeps no sealed bytes.
 */
export class SectionFile {
  readonly #file: StoredFile;
  readonly #head: Buffer;

  constructor(file: StoredFile) {
    this.#file = file;
    this.#head = file.fill(head.subarray(0, file.length), 0);
  }

  /** @throws DamageError MANIFEST_INVALID when the file ends before */
  read(position: number, length: number): Buffer {
    const end = position + length;
    return end <= this.#head.length ? this.#head.subarray(position, end) : this.#file.read(position, length);
  }

  /** Where each section lies: together they fill the file, to the byte. */
  places(subject: string): Readonly<Record<Section, SectionPlace>> {
    const places: Partial<Record<Section, SectionPlace>> = {};
    let position = HEADER_LENGTH;
    for (const section of SECTIONS) {
      if (position + PREFIX_LENGTH > this.#file.length) throw damaged(subject, `it ends before its section "${section}"`);
      const length = this.read(position, PREFIX_LENGTH).readUInt32LE(0);
      position += PREFIX_LENGTH;
      if (length <= SEAL_LENGTH || length > STORED_LIMIT) throw damaged(subject, `its section "${section}" cannot have ${length} bytes`);
      places[section] = { position, length };
      position += length;
    }
    if (position === this.#file.length) return places as Record<Section, SectionPlace>;
    throw damaged(subject, `it has ${this.#file.length} bytes in place of ${position}`);
  }
}

function damaged(subject: string, problem: string): DamageError {
  return new DamageError("MANIFEST_INVALID", `Cannot read ${subject}: ${problem}`, { hint: DAMAGE_HINT });
}
