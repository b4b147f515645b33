import type { FileLook } from "../../vault/index.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { ComponentCache, SeenDatabase } from "./component-cache.ts";
import type { PageFile } from "./page-file.ts";

const VERSION = 3;

/** The file of that name in the folder of the cache. */
export type PageFileOf = (name: string, pageSize: number, pages: number) => PageFile;

/** The bytes of a cache, in parts: what a reading remembers of a large tree is not copied. */
export function* cacheParts({ tree, begun, memory, databases }: ComponentCache): Generator<Uint8Array> {
  const writer = new ByteWriter().u8(VERSION).bytes(Buffer.from(tree, "hex")).varint(begun);
  yield writer.varint(memory?.length ?? 0).toBytes();
  if (memory !== undefined) yield memory;
  writer.clear();
  writer.varint(databases.size);
  for (const [path, { look, readAt, pages }] of databases) {
    writer
      .text(path)
      .varint(readAt)
      .u8((look === null ? 0 : 1) + ((look?.log ?? null) === null ? 0 : 2));
    if (look !== null) writeLook(writer, look.file);
    if (look !== null && look.log !== null) writeLook(writer, look.log);
    writer.text(pages?.name ?? "");
    if (pages !== undefined) writer.varint(pages.pageSize).varint(pages.pages);
  }
  yield writer.toBytes();
}

/** @throws DamageError when it is not what cacheParts() gives, one behind the other */
export function decodeCache(bytes: Uint8Array, pageFile: PageFileOf): ComponentCache {
  const reader = new ByteReader(bytes, "a cache", "BACKUP_DAMAGED");
  if (reader.u8("the version") !== VERSION) throw reader.refuse("it is of another version");
  const tree = reader.bytes(32, "the name of a tree").toString("hex");
  const begun = reader.varint("a time");
  const memory = reader.bytes(reader.varint("the length of a memory"), "a memory");
  const databases = new Map<string, SeenDatabase>();
  for (let left = reader.count("the number of databases", 4); left > 0; left--) {
    const path = reader.text("a path");
    databases.set(path, readDatabase(reader, pageFile));
  }
  reader.end();
  return { tree, begun, memory: memory.length === 0 ? undefined : memory, databases };
}

function writeLook(writer: ByteWriter, { inode, size, mtimeNs, ctimeNs }: FileLook): ByteWriter {
  return writer.i64(BigInt.asIntN(64, inode)).varint(size).i64(mtimeNs).i64(ctimeNs);
}

function readLook(reader: ByteReader): FileLook {
  const inode = BigInt.asUintN(64, reader.i64("an inode"));
  const size = reader.varint("a size");
  return { inode, size, mtimeNs: reader.i64("a time"), ctimeNs: reader.i64("a time") };
}

function readDatabase(reader: ByteReader, pageFile: PageFileOf): SeenDatabase {
  const readAt = reader.varint("a time");
  const looks = reader.u8("which looks there are");
  const file = looks % 2 === 1 ? readLook(reader) : null;
  const log = file !== null && looks === 3 ? readLook(reader) : null;
  const name = reader.text("the name of a page file");
  const pages = name === "" ? undefined : pageFile(name, reader.varint("a page size"), reader.varint("a number of pages"));
  return { readAt, look: file === null ? null : { file, log }, pages };
}
