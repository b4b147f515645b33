import { join } from "node:path";
import type { Config } from "../../config/index.ts";
import { UsageError } from "../../kernel/index.ts";
import { fingerprintOf, generateKeyFile, writeKeyFile } from "../../repository/index.ts";
import { keysHome, refuseInsideVault } from "./key-place.ts";

export interface GenerateKeyRequest {
  /** Absolute; where the configuration wants it, else where this account keeps its keys, unless given. */
  readonly output?: string;
  /** undefined: there is none yet. */
  readonly config: Config | undefined;
  readonly env: NodeJS.ProcessEnv;
}

export interface GeneratedKey {
  readonly file: string;
  readonly fingerprint: string;
}

/**
 * Writes a new key file. It opens nothing before a vault is made with it, or it is added to one.
 *
 * @throws ConflictError FILE_EXISTS · UsageError · HostError FILE_SYSTEM
 */
export function generateKey({ output, config, env }: GenerateKeyRequest): GeneratedKey {
  const file = output ?? placeOf(config, env);
  refuseInsideVault(file, config?.backup.path);
  const secret = generateKeyFile(file);
  writeKeyFile(file, secret);
  return { file, fingerprint: fingerprintOf(secret) };
}

function placeOf(config: Config | undefined, env: NodeJS.ProcessEnv): string {
  if (config === undefined)
    throw new UsageError("USAGE", "There is no configuration that says for which instance the key is", {
      hint: "Name the file: --output FILE",
    });
  const { encryption } = config.backup;
  return encryption?.kind === "key-file" ? encryption.path : join(keysHome(env), `${config.name}.key`);
}
