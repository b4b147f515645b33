import type { FileLook } from "../../vault/index.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { ComponentCache, RememberedReading, SeenDatabase } from "./component-cache.ts";
import type { SideFile } from "./side-file.ts";

const VERSION = 3;

/** The side file of a name, wherever the cache lies. */
export type SideFileOf = (name: string) => SideFile;

export function encodeCache({ tree, begun, memory, databases }: ComponentCache): Buffer {
  const writer = new ByteWriter().u8(VERSION).bytes(Buffer.from(tree, "hex")).varint(begun);
  writer.text(memory?.records.name ?? "");
  if (memory !== undefined) writer.varint(memory.records.length).varint(memory.head.length).bytes(memory.head);
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
  return writer.toBytes();
}

/** @throws DamageError when it is not what encodeCache() gives */
export function decodeCache(bytes: Uint8Array, sideFile: SideFileOf): ComponentCache {
  const reader = new ByteReader(bytes, "a cache", "BACKUP_DAMAGED");
  if (reader.u8("the version") !== VERSION) throw reader.refuse("it is of another version");
  const tree = reader.bytes(32, "the name of a tree").toString("hex");
  const begun = reader.varint("a time");
  const memory = readMemory(reader, sideFile);
  const databases = new Map<string, SeenDatabase>();
  for (let left = reader.count("the number of databases", 4); left > 0; left--) {
    const path = reader.text("a path");
    databases.set(path, readDatabase(reader, sideFile));
  }
  reader.end();
  return { tree, begun, memory, databases };
}

function readMemory(reader: ByteReader, sideFile: SideFileOf): RememberedReading | undefined {
  const name = reader.text("the name of a record file");
  if (name === "") return undefined;
  const records = { ...sideFile(name), length: reader.varint("the length of records") };
  return { records, head: reader.bytes(reader.varint("the length of a memory"), "a memory") };
}

function writeLook(writer: ByteWriter, { inode, size, mtimeNs, ctimeNs }: FileLook): ByteWriter {
  return writer.i64(BigInt.asIntN(64, inode)).varint(size).i64(mtimeNs).i64(ctimeNs);
}

function readLook(reader: ByteReader): FileLook {
  const inode = BigInt.asUintN(64, reader.i64("an inode"));
  const size = reader.varint("a size");
  return { inode, size, mtimeNs: reader.i64("a time"), ctimeNs: reader.i64("a time") };
}

function readDatabase(reader: ByteReader, sideFile: SideFileOf): SeenDatabase {
  const readAt = reader.varint("a time");
  const looks = reader.u8("which looks there are");
  const file = looks % 2 === 1 ? readLook(reader) : null;
  const log = file !== null && looks === 3 ? readLook(reader) : null;
  const name = reader.text("the name of a page file");
  const sizes = (): { pageSize: number; pages: number } => ({
    pageSize: reader.varint("a page size"),
    pages: reader.varint("a number of pages"),
  });
  return { readAt, look: file === null ? null : { file, log }, pages: name === "" ? undefined : { ...sideFile(name), ...sizes() } };
}
