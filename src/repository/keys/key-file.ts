import { dirname } from "node:path";
import {
  ConfigError,
  ConflictError,
  createFile,
  errnoOf,
  HoldfastError,
  makeFolder,
  namedSystemError,
  removeFile,
} from "../../kernel/index.ts";
import { readSmallFile, type SmallFile } from "./read-small-file.ts";
import { formatKeyFile, parseKeyFile, type FileSecret } from "./secret.ts";

/** One line; what is longer is another file. Bytes. */
const LARGEST = 4096;
const OTHERS = 0o077;

/** @throws ConfigError KEY_MISSING, KEY_INVALID · HostError VERSION_UNSUPPORTED, FILE_SYSTEM */
export function readKeyFile(path: string): FileSecret {
  const file = read(path);
  if ("problem" in file) {
    throw new ConfigError("KEY_INVALID", `The key file "${path}" ${file.problem}`, { hint: "Name the key file itself" });
  }
  const others = file.stats.mode & OTHERS;
  if (others !== 0) {
    const mode = (file.stats.mode & 0o777).toString(8).padStart(4, "0");
    throw new ConfigError("KEY_INVALID", `The key file "${path}" is open to other accounts: its mode is ${mode}`, {
      hint: `Think about who may have read it, then: chmod 600 "${path}"`,
    });
  }
  return parseKeyFile(file.bytes.toString("latin1"), path);
}

function read(path: string): SmallFile {
  try {
    return readSmallFile(path, LARGEST);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") {
      throw new ConfigError("KEY_MISSING", `There is no key file at "${path}"`, {
        cause: error,
        hint: "Bring it back from where its copy is kept, or open the vault with the recovery code",
      });
    }
    throw namedSystemError(error, `read the key file "${path}"`);
  }
}

/**
 * Writes a key file and reads it back, before anything is locked with it. Nothing is ever written over: it might be the
 * only key of another vault.
 *
 * @throws ConflictError FILE_EXISTS · ConfigError KEY_INVALID where the file system keeps no permissions · HostError FILE_SYSTEM
 */
export function writeKeyFile(path: string, secret: FileSecret): void {
  try {
    makeFolder(dirname(path));
    if (!createFile(path, formatKeyFile(secret))) {
      throw new ConflictError("FILE_EXISTS", `"${path}" is there already, and a key file is never written over`, {
        hint: "Name another file",
      });
    }
  } catch (error) {
    throw namedSystemError(error, `write the key file "${path}"`);
  }
  try {
    readKeyFile(path);
  } catch (error) {
    if (error instanceof HoldfastError) removeFile(path);
    throw error;
  }
}
