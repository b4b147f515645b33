import { join } from "node:path";
import { DamageError, errnoOf, lstatAt, namedSystemError } from "../kernel/index.ts";
import type { Opened } from "../local-vault/index.ts";
import { MANIFEST_NAME, openFile, readFully } from "../vault/index.ts";
import { MANIFEST_LIMIT, readManifestBytes } from "./targz/read-manifest.ts";

/** The manifest of a .tar.gz, unproved. */
export function readFromArchive(path: string, opened?: Opened): Buffer {
  using file = openPlain(path);
  opened?.(file.stats);
  return readManifestBytes(file.descriptor).bytes;
}

/** The manifest of a folder, unproved. */
export function readFromFolder(path: string, opened?: Opened): Buffer {
  if (lstatAt(path)?.isDirectory() === false) throw notPlain(path);
  try {
    using file = openPlain(join(path, MANIFEST_NAME));
    opened?.(file.stats);
    const size = Number(file.stats.size);
    if (size > MANIFEST_LIMIT)
      throw new DamageError("MANIFEST_INVALID", `Cannot read "${join(path, MANIFEST_NAME)}": it is larger than any manifest`);
    const bytes = Buffer.allocUnsafeSlow(size);
    return bytes.subarray(0, readFully(file.descriptor, bytes, size, 0));
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" || lstatAt(path) === undefined) throw error;
    throw new DamageError("MANIFEST_INVALID", `"${path}" has no ${MANIFEST_NAME}`, { cause: error, hint: "Use another backup" });
  }
}

function openPlain(path: string): ReturnType<typeof openFile> {
  try {
    const file = openFile(path);
    if (file.stats.isFile()) return file;
    file[Symbol.dispose]();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw error;
    if (errnoOf(error) !== "ELOOP") throw namedSystemError(error, `open "${path}"`);
  }
  throw notPlain(path);
}

function notPlain(path: string): DamageError {
  return new DamageError("MANIFEST_INVALID", `"${path}" is a link or no plain file: a vault holds neither`, {
    hint: "Look at who put it there",
  });
}
