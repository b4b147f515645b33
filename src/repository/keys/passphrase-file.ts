import { readSecretFile } from "./secret-file.ts";
import { parsePassphrase, type PassphraseSecret } from "./secret.ts";

/** A passphrase, and what somebody noted below it. Bytes. */
const LARGEST = 65_536;

/**
 * The first line of a file that nobody else may read.
 *
 * @throws ConfigError KEY_MISSING, KEY_INVALID · HostError FILE_SYSTEM; the content is in no message
 */
export function readPassphraseFile(path: string): PassphraseSecret {
  const bytes = readSecretFile(path, {
    what: "passphrase file",
    limit: LARGEST,
    missing: "Bring it back from where its copy is kept, or write the passphrase into it again (mode 600)",
    wrong: "Name a file whose first line is the passphrase",
  });
  return firstLine(bytes.toString("utf8"), path);
}

/** Of a file or of what a program wrote; the rest is for people. */
export function firstLine(text: string, label: string): PassphraseSecret {
  const end = text.indexOf("\n");
  return parsePassphrase(end === -1 ? text : text.slice(0, end + 1), label);
}
