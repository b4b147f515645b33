import type { FileLook } from "../../vault/index.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { HASH_BYTES, makePageHashes, pagesPerGroup, type PageHashes } from "../split/page-hashes.ts";
import type { ComponentCache, SeenDatabase, SeenFile } from "./component-cache.ts";

const VERSION = 1;
/** A path of one byte and its length, three numbers of 8 bytes and two of one. */
const SMALLEST_FILE = 28;

export function encodeCache({ manifestSha256, begun, files, databases }: ComponentCache): Buffer {
  const writer = new ByteWriter(64 * 1024).u8(VERSION).bytes(Buffer.from(manifestSha256, "hex")).varint(begun).varint(files.size);
  for (const [path, seen] of files) writeLook(writer.text(path), seen).varint(seen.readAt);
  writer.varint(databases.size);
  for (const [path, { look, readAt, hashes }] of databases) {
    writer
      .text(path)
      .varint(readAt)
      .u8((look === null ? 0 : 1) + ((look?.log ?? null) === null ? 0 : 2));
    if (look !== null) writeLook(writer, look.file);
    if (look !== null && look.log !== null) writeLook(writer, look.log);
    writer.varint(hashes.pageSize).varint(hashes.pages).bytes(hashes.hashes).bytes(hashes.macs);
  }
  return writer.toBytes();
}

/** @throws DamageError when it is not what encodeCache() gives */
export function decodeCache(bytes: Uint8Array): ComponentCache {
  const reader = new ByteReader(bytes, "a cache", "BACKUP_DAMAGED");
  if (reader.u8("the version") !== VERSION) throw reader.refuse("it is of another version");
  const manifestSha256 = reader.bytes(32, "the hash of a manifest").toString("hex");
  const begun = reader.varint("a time");
  const files = new Map<string, SeenFile>();
  for (let left = reader.count("the number of files", SMALLEST_FILE); left > 0; left--) {
    const path = reader.text("a path");
    files.set(path, { ...readLook(reader), readAt: reader.varint("a time") });
  }
  const databases = new Map<string, SeenDatabase>();
  for (let left = reader.count("the number of databases", 5); left > 0; left--) {
    const path = reader.text("a path");
    databases.set(path, readDatabase(reader));
  }
  reader.end();
  return { manifestSha256, begun, files, databases };
}

function writeLook(writer: ByteWriter, { inode, size, mtimeNs, ctimeNs }: FileLook): ByteWriter {
  return writer.i64(BigInt.asIntN(64, inode)).varint(size).i64(mtimeNs).i64(ctimeNs);
}

function readLook(reader: ByteReader): FileLook {
  const inode = BigInt.asUintN(64, reader.i64("an inode"));
  const size = reader.varint("a size");
  return { inode, size, mtimeNs: reader.i64("a time"), ctimeNs: reader.i64("a time") };
}

function readDatabase(reader: ByteReader): SeenDatabase {
  const readAt = reader.varint("a time");
  const looks = reader.u8("which looks there are");
  const file = looks % 2 === 1 ? readLook(reader) : null;
  const log = file !== null && looks === 3 ? readLook(reader) : null;
  const hashes = readHashes(reader, reader.varint("a page size"), reader.varint("a number of pages"));
  return { readAt, look: file === null ? null : { file, log }, hashes };
}

/** In memory that threads can share. */
function readHashes(reader: ByteReader, pageSize: number, pages: number): PageHashes {
  const groups = Math.ceil(pages / pagesPerGroup(pageSize));
  const hashes = reader.bytes(pages * HASH_BYTES, "the hashes of pages");
  const macs = reader.bytes(groups * HASH_BYTES, "the hashes of groups");
  const made = makePageHashes(pageSize, pages);
  made.hashes.set(hashes);
  made.macs.set(macs);
  return made;
}
