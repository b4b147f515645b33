import { basename } from "node:path";
import type { Config } from "../config/index.ts";
import { ConfigError, namedSystemError, runCommand } from "../kernel/index.ts";
import { firstLine, readKeyFile, readPassphraseFile, type Secret } from "../repository/index.ts";
import { outsideLease } from "./program-places.ts";

/** A password manager that asks nobody answers at once. Milliseconds. */
const PATIENCE = 30_000;
/** Characters of a program's output: the first line has to be among the last so many. */
const KEPT = 65_536;

/**
 * What opens the vault that a configuration names; nothing for an archive, which has no key. Files are read, and a program
 * is run, by this call and not before: whoever only reads a configuration needs no secret.
 *
 * @throws ConfigError KEY_MISSING, KEY_INVALID · HostError VERSION_UNSUPPORTED, FILE_SYSTEM; no secret is in a message
 */
export async function secretsOf(config: Config, env: NodeJS.ProcessEnv): Promise<readonly Secret[]> {
  const { encryption } = config.backup;
  if (encryption === null) return [];
  if (encryption.kind === "none") return [{ kind: "none" }];
  if (encryption.kind === "passphrase-command") return [await passphraseFrom(encryption.passphraseCommand, config, env)];
  return [encryption.kind === "key-file" ? readKeyFile(encryption.path) : readPassphraseFile(encryption.path)];
}

/** What the program wrote is in no message and no log, not even what it said of its failure: both may hold the passphrase. */
async function passphraseFrom(argv: readonly string[], config: Config, env: NodeJS.ProcessEnv): Promise<Secret> {
  const named = `\`backup.encryption.passphrase_command\``;
  const hint = "Run that program by hand from the configuration's folder, as this account; its first line of output is the passphrase";
  let result: Awaited<ReturnType<typeof runCommand>>;
  try {
    result = await runCommand(argv, { ...outsideLease({ config, env }), timeout: PATIENCE, keep: KEPT });
  } catch (error) {
    const { message } = namedSystemError(error, `start "${argv[0]}"`);
    throw new ConfigError("KEY_MISSING", `${named} cannot be run: ${message}`, { cause: error, hint });
  }
  const { exitCode, signal, timedOut, stdout } = result;
  if (timedOut || exitCode !== 0) {
    const how = timedOut
      ? `ran longer than ${PATIENCE / 1000} s`
      : signal === null
        ? `ended with exit code ${exitCode}`
        : `was ended by ${signal}`;
    throw new ConfigError("KEY_MISSING", `There is no passphrase: ${named} ${how}`, { hint });
  }
  if (stdout.length >= KEPT) throw new ConfigError("KEY_INVALID", `${named} wrote more than a passphrase and a few lines`, { hint });
  return firstLine(stdout, basename(argv[0] ?? ""));
}
