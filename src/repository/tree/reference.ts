import { hash } from "node:crypto";
import { DamageError } from "../../kernel/index.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { packIdOf, type Locator, type PackId } from "../pack/locator.ts";
import type { MetaSource } from "./meta-store.ts";
import { readPackNumber, readPlace, type PackNumbers } from "./place.ts";

/** Names an object of metadata. Whoever trusts a reference can trust the object, because it carries the object's hash. */
export interface Reference {
  readonly place: Locator;
  /** The first 16 bytes of the SHA-256 of the object, lower-case hex. */
  readonly hash: string;
  /** How many entries, chunks or pages are below it. */
  readonly entries: number;
}

/** The least that a reference takes in bytes, by the notation with a pack's number. */
export const SMALLEST_REFERENCE = 21;

export function hashOf(object: Uint8Array): string {
  return hash("sha256", object, "hex").slice(0, 32);
}

/** @param packs the numbers of the object that the reference stands in; without them the pack's id stands there itself */
export function writeReference(writer: ByteWriter, { place, hash: digest, entries }: Reference, packs?: PackNumbers): void {
  if (packs === undefined) writer.bytes(Buffer.from(place.pack, "hex"));
  else writer.varint(packs.numberOf(place.pack));
  writer.varint(place.frame).varint(place.offset).varint(place.length).bytes(Buffer.from(digest, "hex")).varint(entries);
}

/** @param packs the list of the object that the reference stands in; without it the pack's id stands there itself */
export function readReference(reader: ByteReader, packs?: readonly PackId[]): Reference {
  const pack = packs === undefined ? packIdOf(reader.bytes(8, "the pack of a reference")) : readPackNumber(reader, packs);
  const frame = reader.varint("the frame of a reference");
  const offset = reader.varint("the offset of a reference");
  const place = readPlace(reader, pack, frame, offset, reader.varint("the length of a reference"));
  const digest = reader.bytes(16, "the hash of a reference").toString("hex");
  const entries = reader.varint("the entries of a reference");
  if (entries === 0) throw reader.refuse("a reference is to nothing");
  return { place, hash: digest, entries };
}

/** The bytes that a reference names, as long as the source leaves them: until its next object. */
export function readObject(source: MetaSource, { place, hash: digest }: Reference, subject: string): Uint8Array {
  const object = source.get(place);
  if (object.length === place.length && hashOf(object) === digest) return object;
  throw damaged(`Cannot trust ${subject} in pack "${place.pack}": it is not what was stored`);
}

/** @param found how many entries, chunks or pages were read below the reference */
export function checkCount(found: number, { entries, place }: Reference, subject: string): void {
  if (found !== entries)
    throw damaged(`Cannot trust ${subject} in pack "${place.pack}": it holds ${found}, and its reference says ${entries}`);
}

export function damaged(message: string): DamageError {
  return new DamageError("BACKUP_DAMAGED", message, { hint: "Restore from another backup, and check the disk of the vault" });
}
