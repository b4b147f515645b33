import { crc32, deflateRawSync, inflateRaw, inflateRawSync } from "node:zlib";
import { DamageError } from "../../kernel/index.ts";

/**
 * A .tar.gz of ours is a row of small gzip members (RFC 1952), each of at most MEMBER_LIMIT bytes of tar, so that they
 * can be compressed and read by several threads. Every member carries its own length in an extra field "HF", as bgzip
 * does it, so that a reader can step over what it does not want. Any gzip program reads the whole as one stream.
 */
export const MEMBER_LIMIT: number = 1024 * 1024;
export const MEMBER_HEADER = 20;
const TRAILER = 8;
/** What a member may need at most: bytes that do not compress grow a little. */
export const STORED_LIMIT: number = MEMBER_LIMIT + 64 * 1024;
const LEVEL = 6;

/** magic, deflate, extra field; no time; unknown system; 8 bytes of extra: "HF", 4 bytes */
const HEAD = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 8, 0, 0x48, 0x46, 4, 0]);

/** @param target where the member is written; one of its own when absent */
export function encodeMember(bytes: Uint8Array, target?: ArrayBuffer): Buffer {
  // Room for the result in one piece: nothing is joined afterwards.
  const deflated = deflateRawSync(bytes, { level: LEVEL, chunkSize: Math.min(STORED_LIMIT, bytes.length + 4096) });
  const length = MEMBER_HEADER + deflated.length + TRAILER;
  const member = target === undefined ? Buffer.allocUnsafeSlow(length) : Buffer.from(target, 0, length);
  HEAD.copy(member);
  member.writeUInt32LE(length, HEAD.length);
  deflated.copy(member, MEMBER_HEADER);
  member.writeUInt32LE(crc32(bytes), length - TRAILER);
  member.writeUInt32LE(bytes.length, length - 4);
  return member;
}

/** Whether what begins so can be a member of ours at all. */
export function beginsMember(header: Uint8Array): boolean {
  return header.length >= MEMBER_HEADER && HEAD.equals(header.subarray(0, HEAD.length));
}

/** The whole length of a member, from its first MEMBER_HEADER bytes. */
export function memberLength(header: Uint8Array): number {
  const view = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  if (!beginsMember(view)) throw damage("is not a part that Holdfast wrote");
  const length = view.readUInt32LE(HEAD.length);
  if (length <= MEMBER_HEADER + TRAILER || length > STORED_LIMIT) throw damage("has an impossible length");
  return length;
}

/** Bytes that a member holds, from its last 4 bytes; not proved before it is decoded. */
export function contentLength(last4: Uint8Array): number {
  const length = Buffer.from(last4.buffer, last4.byteOffset, 4).readUInt32LE(0);
  if (length === 0 || length > MEMBER_LIMIT) throw damage("has an impossible size");
  return length;
}

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

export function decodeMemberSync(member: Buffer): Buffer {
  try {
    return checked(member, inflateRawSync(body(member), inflateOptions(member)) as unknown as Inflated);
  } catch (error) {
    throw named(error);
  }
}

/** In the thread pool, so that several members are decoded at once. */
export async function decodeMember(member: Buffer): Promise<Buffer> {
  const inflated = await new Promise<Inflated>((resolve, reject) => {
    inflateRaw(body(member), inflateOptions(member), (error, result) => {
      if (error === null) resolve(result as unknown as Inflated);
      else reject(named(error));
    });
  });
  return checked(member, inflated);
}

function body(member: Buffer): Buffer {
  return member.subarray(MEMBER_HEADER, member.length - TRAILER);
}

/** The recorded size is also the limit, so that a bomb ends where it begins. */
function inflateOptions(member: Buffer): { info: true; maxOutputLength: number; chunkSize: number } {
  const size = contentLength(member.subarray(member.length - 4));
  return { info: true, maxOutputLength: size, chunkSize: Math.max(64, size) };
}

function checked(member: Buffer, { buffer, engine }: Inflated): Buffer {
  if (engine.bytesWritten !== body(member).length) throw damage("holds something behind its end");
  if (buffer.length !== member.readUInt32LE(member.length - 4)) throw damage("is shorter than it says");
  if (crc32(buffer) !== member.readUInt32LE(member.length - TRAILER)) throw damage("does not have the checksum that it was written with");
  return buffer;
}

function named(error: unknown): unknown {
  return error instanceof DamageError ? error : damage("does not decompress", error);
}

function damage(problem: string, cause?: unknown): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The archive is damaged: a gzip part ${problem}`, {
    cause,
    hint: "Use another backup, or another copy of this one",
  });
}
