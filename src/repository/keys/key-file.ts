import { dirname } from "node:path";
import { ConflictError, createFile, HoldfastError, makeFolder, namedSystemError, removeFile } from "../../kernel/index.ts";
import { readSecretFile } from "./secret-file.ts";
import { formatKeyFile, parseKeyFile, type FileSecret } from "./secret.ts";

/** One line; what is longer is another file. Bytes. */
const LARGEST = 4096;

/** @throws ConfigError KEY_MISSING, KEY_INVALID · HostError VERSION_UNSUPPORTED, FILE_SYSTEM */
export function readKeyFile(path: string): FileSecret {
  const bytes = readSecretFile(path, {
    what: "key file",
    limit: LARGEST,
    missing: `Bring it back from where its copy is kept; or make a new one with \`holdfast key generate --output "${path}"\` and let it open the vault with \`holdfast key add --key-file "${path}" --unlock-recovery-code-file SHEET\``,
    wrong: "Name the key file itself",
  });
  return parseKeyFile(bytes.toString("latin1"), path);
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
