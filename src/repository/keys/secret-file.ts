import { ConfigError, errnoOf, namedSystemError } from "../../kernel/index.ts";
import { readSmallFile, type SmallFile } from "./read-small-file.ts";

const OTHERS = 0o077;

export interface SecretFile {
  /** "key file" */
  readonly what: string;
  /** Bytes; what is longer is another file. */
  readonly limit: number;
  /** What to do when it is not there, and when something else is. */
  readonly missing: string;
  readonly wrong: string;
}

/**
 * The content of a file that nobody else may read.
 *
 * @throws ConfigError KEY_MISSING, KEY_INVALID · HostError FILE_SYSTEM; the content is in no message
 */
export function readSecretFile(path: string, { what, limit, missing, wrong }: SecretFile): Buffer {
  let file: SmallFile;
  try {
    file = readSmallFile(path, limit);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw namedSystemError(error, `read the ${what} "${path}"`);
    throw new ConfigError("KEY_MISSING", `There is no ${what} at "${path}"`, { cause: error, hint: missing });
  }
  if ("problem" in file) throw new ConfigError("KEY_INVALID", `The ${what} "${path}" ${file.problem}`, { hint: wrong });
  if ((file.stats.mode & OTHERS) === 0) return file.bytes;
  const mode = (file.stats.mode & 0o777).toString(8).padStart(4, "0");
  throw new ConfigError("KEY_INVALID", `The ${what} "${path}" is open to other accounts: its mode is ${mode}`, {
    hint: `Think about who may have read it, then: chmod 600 "${path}"`,
  });
}
