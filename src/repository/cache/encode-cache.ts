import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { HASH_BYTES, makePageHashes, pagesPerGroup, type PageHashes } from "../split/page-hashes.ts";
import type { ComponentCache, SeenFile } from "./component-cache.ts";

const VERSION = 1;
/** A path of one byte and its length, four numbers of 8 bytes and one of one. */
const SMALLEST_FILE = 35;

export function encodeCache({ manifestSha256, begun, files, databases }: ComponentCache): Buffer {
  const writer = new ByteWriter(64 * 1024).u8(VERSION).bytes(Buffer.from(manifestSha256, "hex")).varint(begun).varint(files.size);
  for (const [path, { inode, size, mtimeNs, ctimeNs, readAt }] of files)
    writer.text(path).i64(BigInt.asIntN(64, inode)).varint(size).i64(mtimeNs).i64(ctimeNs).varint(readAt);
  writer.varint(databases.size);
  for (const [path, { pageSize, pages, hashes, macs }] of databases)
    writer.text(path).varint(pageSize).varint(pages).bytes(hashes).bytes(macs);
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
    const inode = BigInt.asUintN(64, reader.i64("an inode"));
    const size = reader.varint("a size");
    files.set(path, { inode, size, mtimeNs: reader.i64("a time"), ctimeNs: reader.i64("a time"), readAt: reader.varint("a time") });
  }
  const databases = new Map<string, PageHashes>();
  for (let left = reader.count("the number of databases", 4); left > 0; left--) {
    const path = reader.text("a path");
    databases.set(path, readHashes(reader, reader.varint("a page size"), reader.varint("a number of pages")));
  }
  reader.end();
  return { manifestSha256, begun, files, databases };
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
