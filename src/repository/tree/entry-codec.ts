import { InternalError } from "../../kernel/index.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import type { PackId } from "../pack/locator.ts";
import { CONTENTS, pageMapProblem, readContent, readPageMap, writeContent } from "./content-codec.ts";
import type { PackNumbers } from "./place.ts";
import type { EntryFacts, StoredContent, StoredEntry } from "./tree-entry.ts";

const TYPES = ["file", "directory", "symlink"] as const;
const FLAG = { hardLink: 4, sparse: 8, database: 16, sameOwner: 32 } as const;
/** Bytes, of a path and of what a link says: PATH_MAX of Linux. Without it a few bytes could ask for any amount of memory. */
const PATH_LIMIT = 4096;
const HIGHEST_ID: number = 2 ** 32 - 1;

/** @param before the entry before in the same run */
export function writeEntry(writer: ByteWriter, { entry, content }: StoredEntry, before: EntryFacts | undefined, packs: PackNumbers): void {
  const flags = flagsOf(entry, content, before);
  const problem = contradiction(flags, entry.size, content) ?? textProblem(entry, content);
  if (problem !== undefined) throw new InternalError(`Cannot store ${JSON.stringify(entry.path.slice(0, 200))}: ${problem}`);
  const shared = sharedLength(before?.path ?? "", entry.path);
  writer.varint(Buffer.byteLength(entry.path.slice(0, shared))).text(entry.path.slice(shared));
  writer.u8(flags).varint(entry.mode);
  if ((flags & FLAG.sameOwner) === 0)
    writer
      .varint(entry.uid)
      .varint(entry.gid)
      .text(entry.user ?? "")
      .text(entry.group ?? "");
  writer.i64(BigInt(entry.mtime_ns)).varint(entry.size);
  if (entry.target !== undefined) writer.text(entry.target);
  if (entry.hard_link !== undefined) writer.text(entry.hard_link);
  const hash = entry.sha256 ?? entry.pages_sha256;
  if (hash !== undefined) writer.bytes(Buffer.from(hash, "hex"));
  writeContent(writer, content, packs, entry.pages_sha256 !== undefined);
}

type Building = { -readonly [Field in keyof EntryFacts]: EntryFacts[Field] };

/** @param before the entry before in the same run */
export function readEntry(reader: ByteReader, before: EntryFacts | undefined, packs: readonly PackId[]): StoredEntry {
  const path = readPath(reader, before?.path ?? "");
  const flags = reader.u8("the flags of an entry");
  const type = TYPES[flags & 3];
  if (type === undefined) throw reader.refuse("an entry is of no known type");
  const mode = reader.varint("the mode of an entry");
  if (mode > 0o7777) throw reader.refuse("the mode of an entry is more than permission bits");
  const owner = (flags & FLAG.sameOwner) === 0 ? readOwner(reader) : before;
  if (owner === undefined) throw reader.refuse("the first entry has the owner of the one before");
  const { uid, gid, user, group } = owner;
  const mtime = reader.i64("the time of an entry").toString();
  const size = reader.varint("the size of an entry");
  const entry: Building = { path, type, mode, uid, gid, mtime_ns: mtime, size };
  if (user !== undefined) entry.user = user;
  if (group !== undefined) entry.group = group;
  if (type === "symlink") entry.target = readLink(reader, "the target of a link");
  if ((flags & FLAG.hardLink) !== 0) entry.hard_link = readLink(reader, "the first name of a file");
  else if (type === "file") entry.sha256 = reader.hex(32, "the checksum of a file");
  if ((flags & FLAG.sparse) !== 0) entry.sparse = true;
  if ((flags & FLAG.database) !== 0) entry.database = true;
  const kind = CONTENTS[flags >> 6] ?? "none";
  const content = kind === "pages" ? readPages(reader, entry, packs) : readContent(reader, kind, size, packs);
  const problem = contradiction(flags, size, content);
  if (problem !== undefined) throw reader.refuse(problem);
  return { entry, content };
}

/** The hash of the entry was read as that of any file. */
function readPages(reader: ByteReader, entry: Building, packs: readonly PackId[]): StoredContent {
  const { map, byGroups } = readPageMap(reader, packs);
  if (byGroups && entry.sha256 !== undefined) {
    entry.pages_sha256 = entry.sha256;
    delete entry.sha256;
  }
  return { kind: "pages", map };
}

function flagsOf(entry: EntryFacts, content: StoredContent, before: EntryFacts | undefined): number {
  return (
    TYPES.indexOf(entry.type) +
    (entry.hard_link === undefined ? 0 : FLAG.hardLink) +
    (entry.sparse === true ? FLAG.sparse : 0) +
    (entry.database === true ? FLAG.database : 0) +
    (before !== undefined && sameOwner(entry, before) ? FLAG.sameOwner : 0) +
    CONTENTS.indexOf(content.kind) * 64
  );
}

function sameOwner(one: EntryFacts, other: EntryFacts): boolean {
  return one.uid === other.uid && one.gid === other.gid && one.user === other.user && one.group === other.group;
}

/** What cannot stand together, when it is written as when it is read. */
function contradiction(flags: number, size: number, content: StoredContent): string | undefined {
  const isFile = (flags & 3) === 0;
  const isDatabase = (flags & FLAG.database) !== 0;
  if (!isFile && (flags & (FLAG.hardLink | FLAG.sparse | FLAG.database)) !== 0)
    return "only a file can have another name or holes, or be a database";
  if (size > 0 && (!isFile || (flags & FLAG.hardLink) !== 0)) return "what has no content of its own has a size";
  if ((content.kind === "none") !== (size === 0)) return "its size and where its content is contradict each other";
  if (content.kind === "place" && content.place.length !== size) return "its size is not that of its place";
  if (content.kind !== "pages") return undefined;
  if (!isDatabase) return "only a database lies in pages";
  if (content.map.pageSize * content.map.pages !== size) return "its size is not that of its pages";
  return pageMapProblem(content.map);
}

/** Of what is written: a text that would read back as another, or be refused, is not stored at all. */
function textProblem(
  { path, type, mode, uid, gid, user, group, target, hard_link, sha256, pages_sha256 }: EntryFacts,
  content: StoredContent,
): string | undefined {
  if (mode > 0o7777) return "its mode is more than permission bits";
  if (uid > HIGHEST_ID || gid > HIGHEST_ID) return "its owner does not fit into 32 bits";
  if (user === "" || group === "") return "the name of its owner is empty";
  if ((target === undefined) === (type === "symlink")) return "a link has a target, and nothing else has";
  const hash = sha256 ?? pages_sha256;
  if ((hash === undefined) === (type === "file" && hard_link === undefined)) return "a file has a checksum, and nothing else has";
  if (pages_sha256 !== undefined && (sha256 !== undefined || content.kind !== "pages"))
    return "it has two checksums, or one over pages that it does not lie in";
  if (hash !== undefined && !/^[0-9a-f]{64}$/.test(hash)) return "its checksum is not 64 hexadecimal digits";
  if (target === "" || hard_link === "") return "it is a link to nowhere";
  const long = [path, target, hard_link].some(
    (text) => text !== undefined && text.length * 3 > PATH_LIMIT && Buffer.byteLength(text) > PATH_LIMIT,
  );
  return long ? `a path of it is longer than ${PATH_LIMIT} bytes` : undefined;
}

/** In characters; a character of two halves is shared whole or not at all, so that the rest is text by itself. */
function sharedLength(before: string, path: string): number {
  const limit = Math.min(before.length, path.length);
  let length = 0;
  while (length < limit && before.charCodeAt(length) === path.charCodeAt(length)) length += 1;
  return length > 0 && (before.charCodeAt(length - 1) & 0xfc00) === 0xd800 ? length - 1 : length;
}

function readPath(reader: ByteReader, before: string): string {
  const shared = reader.varint("the shared part of a path");
  const rest = reader.text("a path");
  if ((shared + rest.length) * 3 > PATH_LIMIT && shared + Buffer.byteLength(rest) > PATH_LIMIT)
    throw reader.refuse(`a path is longer than ${PATH_LIMIT} bytes`);
  if (shared === 0) return rest;
  // Most paths have a byte for each character.
  if (shared <= before.length && Buffer.byteLength(before) === before.length) return before.slice(0, shared) + rest;
  const bytes = Buffer.from(before);
  if (shared > bytes.length) throw reader.refuse("a path shares more than the path before it has");
  if (((bytes[shared] ?? 0) & 0xc0) === 0x80) throw reader.refuse("a path shares half a character");
  return bytes.toString("utf8", 0, shared) + rest;
}

function readOwner(reader: ByteReader): Pick<EntryFacts, "uid" | "gid" | "user" | "group"> {
  const uid = reader.varint("the owner of an entry");
  const gid = reader.varint("the group of an entry");
  if (uid > HIGHEST_ID || gid > HIGHEST_ID) throw reader.refuse("an owner does not fit into 32 bits");
  const user = reader.text("the name of an owner");
  const group = reader.text("the name of a group");
  return { uid, gid, ...(user === "" ? {} : { user }), ...(group === "" ? {} : { group }) };
}

function readLink(reader: ByteReader, reading: string): string {
  const text = reader.text(reading);
  if (text === "") throw reader.refuse(`${reading} is empty`);
  if (text.length * 3 > PATH_LIMIT && Buffer.byteLength(text) > PATH_LIMIT)
    throw reader.refuse(`${reading} is longer than ${PATH_LIMIT} bytes`);
  return text;
}
