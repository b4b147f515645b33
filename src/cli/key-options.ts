import { resolve } from "node:path";
import type { Command } from "commander";
import type { GivenSecrets } from "../operations/index.ts";
import type { CommandContext } from "./command.ts";
import { askSecret } from "./secret-input.ts";

type Prefix = "" | "unlock";

/** Options that say where a secret is. None of them takes the secret: every account of a machine sees arguments. */
export function addKeyOptions(command: Command, what: string, prefix: Prefix = ""): Command {
  const flag = prefix === "" ? "--" : `--${prefix}-`;
  return command
    .option(`${flag}key-file <file>`, `${what} with a key file`)
    .option(`${flag}passphrase-file <file>`, `${what} with the passphrase on a file's first line; - asks for it`)
    .option(`${flag}recovery-code-file <file>`, `${what} with the recovery code in a file, such as a recovery sheet; - asks for it`);
}

/** The paths that were given, absolute; "-" stays. */
export function givenSecrets({ io, options }: CommandContext, prefix: Prefix = ""): GivenSecrets {
  const at = (name: string): string | undefined => {
    const given = options[prefix === "" ? name : `${prefix}${name.slice(0, 1).toUpperCase()}${name.slice(1)}`];
    if (typeof given !== "string") return undefined;
    return given === "-" ? given : resolve(io.cwd, given);
  };
  const [keyFile, passphraseFile, recoveryCodeFile] = [at("keyFile"), at("passphraseFile"), at("recoveryCodeFile")];
  return {
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    ...(recoveryCodeFile === undefined ? {} : { recoveryCodeFile }),
    ask: (what) => askSecret(io, what),
  };
}
