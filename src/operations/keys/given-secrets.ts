import { UsageError } from "../../kernel/index.ts";
import {
  firstLine,
  parseRecoveryCode,
  readKeyFile,
  readPassphraseFile,
  readRecoveryCodeFile,
  type RecoverySecret,
  type Secret,
} from "../../repository/index.ts";

/** Where secrets that were given for one call are. Never the secrets themselves: others see arguments. */
export interface GivenSecrets {
  /** Absolute paths. */
  readonly keyFile?: string;
  /** "-" asks for it. */
  readonly passphraseFile?: string;
  readonly recoveryCodeFile?: string;
  /** Reads standard input, or asks a person. */
  readonly ask?: (what: "recovery code" | "passphrase") => Promise<string>;
}

/**
 * Reads what was given, in the order key file, passphrase, recovery code.
 *
 * @throws ConfigError KEY_MISSING, KEY_INVALID · UsageError · HostError
 */
export async function readGivenSecrets(given: GivenSecrets): Promise<readonly Secret[]> {
  const { keyFile, passphraseFile, recoveryCodeFile } = given;
  if (passphraseFile === "-" && recoveryCodeFile === "-") {
    throw new UsageError("USAGE", "Standard input holds a passphrase or a recovery code, not both", { hint: "Give one of them as a file" });
  }
  const secrets: Secret[] = [];
  if (keyFile !== undefined) secrets.push(readKeyFile(keyFile));
  if (passphraseFile !== undefined)
    secrets.push(
      passphraseFile === "-" ? firstLine(await asked(given, "passphrase"), "standard input") : readPassphraseFile(passphraseFile),
    );
  if (recoveryCodeFile !== undefined) secrets.push(await recoveryCode(given, recoveryCodeFile));
  return secrets;
}

async function recoveryCode(given: GivenSecrets, path: string): Promise<RecoverySecret> {
  if (path === "-") return parseRecoveryCode(await asked(given, "recovery code"));
  if (looksLikeCode(path)) {
    throw new UsageError("USAGE", "A recovery code is never given as an argument: every account on this machine can see it", {
      hint: "Give - and type it in, or name a file that holds it; when others use this machine, make a new code with `holdfast key rotate`",
    });
  }
  return readRecoveryCodeFile(path);
}

/** Also as the last part of a path that was made absolute. */
function looksLikeCode(path: string): boolean {
  return /(?:^|\/)(?:[A-Za-z2-7]{4}[\s-]?){9}[A-Za-z2-7]{4}$/.test(path);
}

async function asked({ ask }: GivenSecrets, what: "recovery code" | "passphrase"): Promise<string> {
  if (ask === undefined) throw new UsageError("USAGE", `Nobody can be asked for the ${what}`, { hint: "Name a file that holds it" });
  return await ask(what);
}
