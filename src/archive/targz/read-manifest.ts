import { DamageError } from "../../kernel/index.ts";
import { MANIFEST_NAME } from "../../vault/index.ts";
import { readStored } from "../../local-vault/index.ts";
import { decodeMemberSync, MEMBER_HEADER, memberLength } from "./gzip-member.ts";
import { padded, TAR_BLOCK } from "./tar-entry.ts";

/** Longest manifest that is read. Bytes. */
export const MANIFEST_LIMIT: number = 64 * 1024 * 1024;
/** Enough for the first part of nearly every archive in one read, and taken from Node's pool. Bytes. */
const FIRST_READ = 16 * 1024;
/** Ours have 1 MiB each. Bytes. */
const SMALLEST_MEMBER = 64 * 1024;

/**
 * The manifest of a .tar.gz: its first entry, in gzip parts of its own, so that a listing reads the first kilobytes of
 * an archive and no more.
 *
 * @returns its bytes, and where the part behind it begins
 */
export function readManifestBytes(descriptor: number): { readonly bytes: Buffer; readonly end: number } {
  const first = Buffer.allocUnsafe(FIRST_READ);
  const window = first.subarray(0, readStored(descriptor, first, 0));
  let position = 0;
  const nextMember = (): Buffer => {
    const header = readAt(descriptor, window, position, MEMBER_HEADER);
    const length = memberLength(header);
    const member = readAt(descriptor, window, position, length);
    position += length;
    return decodeMemberSync(member);
  };
  const pieces = [nextMember()];
  let length = pieces[0]?.length ?? 0;
  const { offset, size } = manifestHeader(pieces[0] ?? Buffer.alloc(0));
  while (length < offset + padded(size)) {
    const piece = nextMember();
    // Only the last may be short: a manifest in a million crumbs is made to keep its reader busy.
    if (piece.length < SMALLEST_MEMBER && length + piece.length < offset + padded(size)) throw notFirst();
    pieces.push(piece);
    length += piece.length;
  }
  const tar = Buffer.concat(pieces);
  if (tar.length !== offset + padded(size)) throw notFirst();
  return { bytes: tar.subarray(offset, offset + size), end: position };
}

function manifestHeader(tar: Buffer): { offset: number; size: number } {
  // The manifest's name is short and its size small: one block, never a pax header.
  if (tar.length < TAR_BLOCK) throw notFirst();
  const name = tar.subarray(0, MANIFEST_NAME.length + 1).toString("latin1");
  const size = Number.parseInt(tar.toString("latin1", 124, 135), 8);
  if (name !== `${MANIFEST_NAME}\0` || tar[156] !== 0x30 || !(size >= 0 && size <= MANIFEST_LIMIT)) throw notFirst();
  return { offset: TAR_BLOCK, size };
}

function notFirst(): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The archive does not begin with ${MANIFEST_NAME}`, {
    hint: "It is no backup of Holdfast, or it is damaged",
  });
}

function readAt(descriptor: number, window: Buffer, position: number, length: number): Buffer {
  if (position + length <= window.length) return window.subarray(position, position + length);
  const bytes = Buffer.allocUnsafeSlow(length);
  if (readStored(descriptor, bytes, position) !== length) {
    throw new DamageError("BACKUP_DAMAGED", "The archive is cut off", { hint: "Use another backup, or another copy of this one" });
  }
  return bytes;
}
