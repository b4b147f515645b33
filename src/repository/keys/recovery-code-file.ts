import { parseRecoveryCode, type RecoverySecret } from "./secret.ts";
import { readSecretFile } from "./secret-file.ts";

/** As it is printed, on a line of a recovery sheet. */
const PRINTED = /^[^\S\n]*((?:[A-Z2-7]{4}-){9}[A-Z2-7]{4})\s*$/m;

/**
 * The recovery code in a file: alone, or on a line of its own as on a recovery sheet.
 *
 * @throws ConfigError KEY_MISSING, KEY_INVALID · HostError FILE_SYSTEM; the content is in no message
 */
export function readRecoveryCodeFile(path: string): RecoverySecret {
  const bytes = readSecretFile(path, {
    what: "recovery code file",
    limit: 65_536,
    missing: "Write the code into it (mode 600), or give - to type it in",
    wrong: "Name a file that holds the code, or a recovery sheet",
  });
  const text = bytes.toString("utf8");
  return parseRecoveryCode(PRINTED.exec(text)?.[1] ?? text);
}
