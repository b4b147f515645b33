import { ConfigError, errnoOf, namedSystemError } from "../../kernel/index.ts";
import { readSmallFile, type SmallFile } from "./read-small-file.ts";
import { parsePassphrase, type PassphraseSecret } from "./secret.ts";

/** A passphrase, and what somebody noted below it. Bytes. */
const LARGEST = 65_536;
const OTHERS = 0o077;

/**
 * The first line of a file that nobody else may read.
 *
 * @throws ConfigError KEY_MISSING, KEY_INVALID · HostError FILE_SYSTEM; the content is in no message
 */
export function readPassphraseFile(path: string): PassphraseSecret {
  const file = read(path);
  if ("problem" in file) {
    throw new ConfigError("KEY_INVALID", `The passphrase file "${path}" ${file.problem}`, {
      hint: "Name a file whose first line is the passphrase",
    });
  }
  if ((file.stats.mode & OTHERS) !== 0) {
    const mode = (file.stats.mode & 0o777).toString(8).padStart(4, "0");
    throw new ConfigError("KEY_INVALID", `The passphrase file "${path}" is open to other accounts: its mode is ${mode}`, {
      hint: `Think about who may have read it, then: chmod 600 "${path}"`,
    });
  }
  return firstLine(file.bytes.toString("utf8"), path);
}

/** Of a file or of what a program wrote; the rest is for people. */
export function firstLine(text: string, label: string): PassphraseSecret {
  const end = text.indexOf("\n");
  return parsePassphrase(end === -1 ? text : text.slice(0, end + 1), label);
}

function read(path: string): SmallFile {
  try {
    return readSmallFile(path, LARGEST);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") {
      throw new ConfigError("KEY_MISSING", `There is no passphrase file at "${path}"`, {
        cause: error,
        hint: "Bring it back from where its copy is kept, or write the passphrase into it again (mode 600)",
      });
    }
    throw namedSystemError(error, `read the passphrase file "${path}"`);
  }
}
