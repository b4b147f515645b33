import { Header } from "tar/header";
import { encodePax } from "./pax.ts";

export const TAR_BLOCK = 512;

/** One thing of a tar file, as our archives write it: POSIX ustar, with a pax header where that does not suffice. */
export interface TarEntry {
  /** Relative, no trailing slash. */
  readonly path: string;
  readonly type: "File" | "Directory" | "SymbolicLink" | "Link";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  readonly mtimeNs: bigint;
  readonly size: number;
  /** Of a link: what it points to; of a hard link: the path of the first name inside the archive. */
  readonly target: string;
}

/** Largest numbers that octal digits hold. Above them some programs write binary, which others misread: pax instead. */
const HIGHEST_ID = 0o7777777;
const HIGHEST_SIZE = 0o77777777777;
const SECOND = 1_000_000_000n;

/** The header blocks of an entry; its content follows, padded to whole blocks. */
export function encodeTarEntry(entry: TarEntry): Buffer {
  const path = entry.type === "Directory" ? `${entry.path}/` : entry.path;
  const pax = new Map<string, string>();
  const fits = (key: string, value: string, limit: number): string => {
    if (Buffer.byteLength(value) < limit && isPlain(value)) return value;
    pax.set(key, value);
    return key === "path" || key === "linkpath" ? "in-pax-header" : "";
  };
  const shortPath = fits("path", path, 100);
  const linkpath = fits("linkpath", entry.target, 100);
  const uname = fits("uname", entry.user, 32);
  const gname = fits("gname", entry.group, 32);
  const number = (key: string, value: number, limit: number): number => {
    if (value <= limit) return value;
    pax.set(key, String(value));
    return 0;
  };
  const size = number("size", entry.size, HIGHEST_SIZE);
  const uid = number("uid", entry.uid, HIGHEST_ID);
  const gid = number("gid", entry.gid, HIGHEST_ID);
  const seconds = floorSeconds(entry.mtimeNs);
  const plain = seconds >= 0n && seconds <= BigInt(HIGHEST_SIZE);
  if (!plain || entry.mtimeNs % SECOND !== 0n) pax.set("mtime", decimalSeconds(entry.mtimeNs));
  const header = encodeBlock({
    path: shortPath,
    linkpath,
    uname,
    gname,
    size,
    uid,
    gid,
    mode: entry.mode,
    type: entry.type,
    seconds: plain ? Number(seconds) : 0,
  });
  if (pax.size === 0) return header;
  const body = encodePax(pax);
  const blocks = Buffer.alloc(TAR_BLOCK + padded(body.length));
  paxBlock(body.length).copy(blocks);
  body.copy(blocks, TAR_BLOCK);
  return Buffer.concat([blocks, header]);
}

/** Pax headers differ in nothing but their length. */
const paxBlocks = new Map<number, Buffer>();

function paxBlock(size: number): Buffer {
  let block = paxBlocks.get(size);
  if (block === undefined) {
    block = encodeBlock({
      path: "PaxHeader",
      linkpath: "",
      uname: "",
      gname: "",
      size,
      uid: 0,
      gid: 0,
      mode: 0o644,
      type: "ExtendedHeader",
      seconds: 0,
    });
    paxBlocks.set(size, block);
  }
  return block;
}

interface Block {
  readonly path: string;
  readonly linkpath: string;
  readonly uname: string;
  readonly gname: string;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly seconds: number;
  readonly type: TarEntry["type"] | "ExtendedHeader";
}

function encodeBlock({ seconds, ...fields }: Block): Buffer {
  const block = Buffer.alloc(TAR_BLOCK);
  new Header({ ...fields, mtime: new Date(seconds * 1000) }).encode(block);
  return block;
}

/** Up to a whole number of blocks. */
export function padded(length: number): number {
  return Math.ceil(length / TAR_BLOCK) * TAR_BLOCK;
}

/** UTF-8 stands in the header as it is where it fits: of a pax header bsdtar makes another Unicode form, and in a plain locale nothing. */
function isPlain(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}

export function floorSeconds(nanoseconds: bigint): bigint {
  const seconds = nanoseconds / SECOND;
  return nanoseconds < 0n && seconds * SECOND !== nanoseconds ? seconds - 1n : seconds;
}

/** 1700000000123456789 to "1700000000.123456789". Negative times count down from zero, as pax has it. */
function decimalSeconds(nanoseconds: bigint): string {
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = (magnitude % SECOND).toString().padStart(9, "0").replace(/0+$/, "");
  return `${nanoseconds < 0n ? "-" : ""}${magnitude / SECOND}${fraction === "" ? "" : `.${fraction}`}`;
}
