import { Header } from "tar/header";
import { DamageError } from "../../kernel/index.ts";
import { pathProblem, quotePath } from "../../vault/index.ts";
import { decodePax } from "./pax.ts";
import { TAR_BLOCK, type TarEntry } from "./tar-entry.ts";

/** Longest pax header: two paths and some numbers. Bytes. */
const PAX_LIMIT = 16 * 1024;

/** What a tar header says, as far as it decides what an unpacking program does. */
export interface DecodedTarEntry {
  readonly path: string;
  readonly type: TarEntry["type"];
  readonly size: number;
  readonly target: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Gives exactly so many bytes of the tar stream, or fails. */
export type TakeBytes = (length: number) => Promise<Buffer>;

/**
 * Reads one entry's headers, strictly: what our own writer makes and nothing else. No GNU extensions, no global
 * headers, no devices; whatever a header could use to write outside of its folder is refused here, before it is even
 * compared with what the manifest declares.
 *
 * @returns undefined at the end of the archive
 */
export async function decodeTarEntry(take: TakeBytes): Promise<DecodedTarEntry | undefined> {
  let block = await take(TAR_BLOCK);
  let pax: ReadonlyMap<string, string> = new Map();
  let header = new Header(block);
  if (header.nullBlock) return undefined;
  checkSum(header);
  if (header.type === "ExtendedHeader") {
    const size = header.size ?? -1;
    if (size <= 0 || size > PAX_LIMIT) throw damaged("a pax header has an impossible size");
    const body = await take(Math.ceil(size / TAR_BLOCK) * TAR_BLOCK);
    pax = decodePax(body.subarray(0, size));
    block = await take(TAR_BLOCK);
    header = new Header(block);
    checkSum(header);
  }
  const { type } = header;
  if (type !== "File" && type !== "Directory" && type !== "SymbolicLink" && type !== "Link")
    throw hostile(header.path ?? "", `is of type "${type}"`);
  const path = pax.get("path") ?? header.path ?? "";
  const clean = type === "Directory" ? path.replace(/\/$/, "") : path;
  const problem = pathProblem(clean);
  if (problem !== undefined) throw hostile(path, `has a name that ${problem}`);
  const target = pax.get("linkpath") ?? header.linkpath ?? "";
  if (type === "Link" && pathProblem(target) !== undefined) throw hostile(path, `is another name of ${quotePath(target)}`);
  return {
    path: clean,
    type,
    target,
    size: numberOf(pax.get("size"), header.size),
    mode: header.mode ?? -1,
    uid: numberOf(pax.get("uid"), header.uid),
    gid: numberOf(pax.get("gid"), header.gid),
  };
}

function numberOf(fromPax: string | undefined, fromHeader: number | undefined): number {
  const value = fromPax === undefined ? fromHeader : /^\d{1,16}$/.test(fromPax) ? Number(fromPax) : undefined;
  if (value === undefined || !Number.isSafeInteger(value) || value < 0) throw damaged("a header holds an impossible number");
  return value;
}

function checkSum(header: Header): void {
  if (!header.cksumValid) throw damaged("a tar header has a wrong checksum");
}

function damaged(problem: string): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The archive is damaged: ${problem}`, {
    hint: "Use another backup, or another copy of this one",
  });
}

function hostile(path: string, problem: string): DamageError {
  return new DamageError("ARCHIVE_HOSTILE", `Refuse the archive: ${quotePath(path)} ${problem}`, {
    hint: "Do not unpack it by other means; nothing was written",
  });
}
