import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { ConfigError, errnoOf, namedSystemError } from "../kernel/index.ts";

/** A configuration is text that a person wrote; what is larger is another file. Bytes. */
const LARGEST = 512 * 1024;

/**
 * The bytes of a configuration file, after asking who may have written them: it names programs that run as this account.
 * The descriptor that was asked is the one that is read, so the file cannot be swapped in between.
 *
 * @throws ConfigError CONFIG_NOT_FOUND, CONFIG_UNTRUSTED, CONFIG_INVALID
 */
export function readTrustedFile(file: string): Buffer {
  const descriptor = open(file);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new ConfigError("CONFIG_INVALID", `"${file}" is not a file`, { hint: "Name the configuration file itself" });
    checkTrust(file, stats);
    if (stats.size > LARGEST) {
      throw new ConfigError("CONFIG_INVALID", `"${file}" has ${stats.size} bytes, at most ${LARGEST} are read`, {
        hint: "Name a configuration file; this is another one",
      });
    }
    return readWhole(descriptor);
  } catch (error) {
    throw namedSystemError(error, `read the configuration "${file}"`);
  } finally {
    closeSync(descriptor);
  }
}

function open(file: string): number {
  try {
    // O_NONBLOCK: a FIFO of that name does not hang the command.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") {
      throw new ConfigError("CONFIG_NOT_FOUND", `No configuration at "${file}"`, {
        cause: error,
        hint: "Name another file with --config, or write one with `holdfast init`",
      });
    }
    throw namedSystemError(error, `read the configuration "${file}"`);
  }
}

/** Reads to the end and not to the size seen before, and never more than the limit. */
function readWhole(descriptor: number): Buffer {
  const bytes = Buffer.alloc(LARGEST);
  let filled = 0;
  while (filled < bytes.length) {
    const read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

function checkTrust(file: string, { uid, gid, mode }: Stats): void {
  const own = process.geteuid?.();
  // A system without numeric owners has no such question.
  if (own === undefined) return;
  if (uid !== own && uid !== 0) {
    throw new ConfigError("CONFIG_UNTRUSTED", `"${file}" belongs to user ${uid}, not to the user of this process (${own}) or root`, {
      hint: `Run the command as user ${uid}, or take the file over after reading it: chown ${own} "${file}"`,
    });
  }
  if ((mode & 0o002) !== 0) {
    throw new ConfigError("CONFIG_UNTRUSTED", `"${file}" can be written by everybody`, { hint: `Read it, then: chmod go-w "${file}"` });
  }
  // A group that is the caller's own is, on most systems, a group of one.
  if ((mode & 0o020) !== 0 && gid !== process.getegid?.()) {
    throw new ConfigError("CONFIG_UNTRUSTED", `"${file}" can be written by group ${gid}`, { hint: `Read it, then: chmod g-w "${file}"` });
  }
}
