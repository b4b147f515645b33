import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync } from "node:fs";
import { ConflictError, errnoOf, namedSystemError, writeFully } from "../../kernel/index.ts";
import type { Opened } from "../../local-vault/index.ts";
import { manifestKey } from "../keys/derive.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import { epochKeyOf, type EpochLookup } from "../pack/epoch-lookup.ts";
import { openPart, sealPart, verifyPart } from "../pack/frame.ts";
import { HEADER_LENGTH, makeHeader, parseHeader, type Header } from "../pack/header.ts";
import type { Seal } from "../pack/seal.ts";
import { StoredFile } from "../pack/stored-file.ts";
import { PackTable, readPacks, scanPacks, type PackScan, type PackVisit } from "./pack-table.ts";
import { PREFIX_LENGTH, SECTION_LIMIT, SectionFile, SECTIONS, type Section } from "./sections.ts";

/** What the sections of a backup file hold. */
export interface BackupSections {
  /** The JSON document, byte by byte. */
  readonly manifest: Uint8Array;
  readonly packs: PackTable;
  readonly roots: Uint8Array;
}

/** What was read, with the epoch whose key it took. */
export type ReadSections<S extends Section> = Pick<BackupSections, S> & { readonly epoch: number };

/**
 * Creates the file that is a backup, under a name that nobody has. Every section is decoded again before it is written, and
 * nothing is flushed to the disk: the commit does that before it gives the file the name that makes the backup exist.
 *
 * @throws ConflictError FILE_EXISTS · HostError NO_SPACE, FILE_SYSTEM; then nothing is left at the path
 */
export function writeBackupFile(path: string, { epoch, master }: EpochKey, sections: BackupSections): void {
  const header = makeHeader("HOLDFBK", epoch, randomBytes(32));
  const seal = sealOf(path, master, header);
  const raw = { ...sections, packs: sections.packs.encode() };
  const parts = SECTIONS.flatMap((section, ordinal) => sealSection(seal, ordinal, raw[section]));
  createWhole(path, Buffer.concat([header.bytes, ...parts]));
}

/**
 * Reads the sections that are asked for and no other; where they lie and that the file has no byte more is always checked.
 *
 * @throws DamageError MANIFEST_INVALID, also when there is no such file · HostError VERSION_UNSUPPORTED · ConfigError KEY_WRONG
 */
export function readBackupFile<S extends Section>(path: string, keys: EpochLookup, sections: readonly S[]): ReadSections<S> {
  const { epoch, raw } = openSections(path, keys, sections);
  const { packs, ...others }: Partial<Record<Section, Buffer>> = raw;
  const read: Partial<BackupSections> = packs === undefined ? others : { ...others, packs: PackTable.decode(packs, subjectOf(path)) };
  return { ...read, epoch } as ReadSections<S>;
}

/** Only the manifest is opened; throws as readBackupFile(). @param opened told of the file before it is read */
export function readManifestOf(path: string, keys: EpochLookup, opened?: Opened): Buffer {
  return openSections(path, keys, ["manifest"], opened).raw.manifest;
}

/** Goes through the packs of a backup; throws as readBackupFile(). */
export function readPacksOf(path: string, keys: EpochLookup, visit: PackVisit): void {
  readPacks(openSections(path, keys, ["packs"]).raw.packs, subjectOf(path), visit);
}

/** The same for who needs no names. */
export function scanPacksOf(path: string, keys: EpochLookup, visit: PackScan): void {
  scanPacks(openSections(path, keys, ["packs"]).raw.packs, subjectOf(path), visit);
}

/** Raw, each in memory of its own. */
function openSections<S extends Section>(
  path: string,
  keys: EpochLookup,
  sections: readonly S[],
  opened?: Opened,
): { readonly epoch: number; readonly raw: Readonly<Record<S, Buffer>> } {
  const subject = subjectOf(path);
  using stored = new StoredFile(path, subject, "MANIFEST_INVALID");
  opened?.(stored.stats);
  const file = new SectionFile(stored);
  const header = parseHeader("HOLDFBK", file.read(0, Math.min(HEADER_LENGTH, stored.length)), subject, "MANIFEST_INVALID");
  const places = file.places(subject);
  const { epoch, master } = epochKeyOf(keys, header.epoch, subject, "MANIFEST_INVALID");
  const seal = sealOf(path, master, header);
  const raw: Partial<Record<S, Buffer>> = {};
  for (const section of sections) {
    const { position, length } = places[section];
    raw[section] = openPart(seal, SECTIONS.indexOf(section), file.read(position, length), SECTION_LIMIT);
  }
  return { epoch, raw: raw as Record<S, Buffer> };
}

function sealSection(seal: Seal, ordinal: number, raw: Uint8Array): readonly Buffer[] {
  const sealed = sealPart(seal, ordinal, raw, SECTION_LIMIT);
  verifyPart(seal, ordinal, sealed, raw);
  const prefix = Buffer.alloc(PREFIX_LENGTH);
  prefix.writeUInt32LE(sealed.length);
  return [prefix, sealed];
}

function sealOf(path: string, master: Buffer, header: Header): Seal {
  return { key: manifestKey(master, header.salt), header: header.bytes, subject: subjectOf(path), code: "MANIFEST_INVALID" };
}

function subjectOf(path: string): string {
  return `backup file "${path}"`;
}

function createWhole(path: string, bytes: Buffer): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", 0o600);
  } catch (cause) {
    if (errnoOf(cause) !== "EEXIST") throw namedSystemError(cause, `create "${path}"`);
    throw new ConflictError("FILE_EXISTS", `"${path}" exists already`, { cause, hint: "Remove it, if nothing needs it" });
  }
  try {
    writeFully(descriptor, bytes);
  } catch (cause) {
    rmSync(path, { force: true });
    throw namedSystemError(cause, `write "${path}"`);
  } finally {
    closeSync(descriptor);
  }
}
