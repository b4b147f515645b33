import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openArchiveVault } from "../../archive/index.ts";
import { addHint, ConfigError, DamageError, errnoOf, namedSystemError, NotFoundError, UsageError, type Clock } from "../../kernel/index.ts";
import { checkKeys, openRepositoryVault, type Secret } from "../../repository/index.ts";
import { isBackupId, MANIFEST_NAME, type Vault, type VaultIdentity } from "../../vault/index.ts";
import { readGivenSecrets, type GivenSecrets } from "../keys/index.ts";
import { lookAtVault } from "../vault-at.ts";

export interface FoundVault {
  readonly vault: Vault;
  readonly owner: VaultIdentity;
  /** Opens it once more, with what has opened it now. */
  readonly reopen: (cacheFolder: string) => Promise<Vault>;
  /** The newest epoch of keys that what was given opens; undefined in archive form, or when it opens none. */
  readonly newestOpen: () => Promise<number | undefined>;
}

/** What opens a vault in repository form. */
export interface RecoveryKeys extends GivenSecrets {
  /** Whether a person can be asked when nothing was given and something is needed. */
  readonly mayAsk?: boolean;
}

/** Opens the vault at a path in the name of whoever owns it, so that nothing about it has to be known and nothing changes. */
export async function openFoundVault(path: string, keys: RecoveryKeys, clock: Clock): Promise<FoundVault> {
  refuseNoFolder(path);
  let secrets: readonly Secret[] | undefined;
  const given = async (): Promise<readonly Secret[]> => (secrets ??= await readGivenSecrets(keys));
  const { owner } = await lookAtVault(path, given);
  if (owner === undefined) throw noVault(path);
  const common = { path, instance: { name: owner.instance }, create: false, clock };
  if (owner.form === "archive") {
    refuseIdleKeys(path, keys);
    const open = async (): Promise<Vault> => await openArchiveVault({ ...common, compression: true });
    return { vault: await hinted(open, tarHint(path)), owner, reopen: open, newestOpen: () => Promise.resolve(undefined) };
  }
  const open = async (cacheFolder: string): Promise<Vault> => await openRepositoryVault({ ...common, secrets: await given(), cacheFolder });
  const reopen = async (cacheFolder: string): Promise<Vault> => {
    try {
      return await open(cacheFolder);
    } catch (error) {
      if (!(error instanceof ConfigError) || error.code !== "KEY_MISSING" || (await given()).length > 0) throw error;
      if (keys.mayAsk !== true) throw addHint(error, "here: --key-file, --recovery-code-file or --passphrase-file");
    }
    secrets = await readGivenSecrets({ ...keys, recoveryCodeFile: "-" });
    return await open(cacheFolder);
  };
  const newestOpen = async (): Promise<number | undefined> =>
    checkKeys(path, owner.id, await given()).epochs.find((epoch) => epoch.open)?.epoch;
  // Reading needs no cache, and makes none.
  return { vault: await hinted(async () => await reopen(join(path, ".vault", "no-cache")), SEALED_HINT), owner, reopen, newestOpen };
}

function refuseIdleKeys(path: string, { keyFile, passphraseFile, recoveryCodeFile }: RecoveryKeys): void {
  if ((keyFile ?? passphraseFile ?? recoveryCodeFile) === undefined) return;
  throw new UsageError("USAGE", `The vault at "${path}" is in archive form, which is not encrypted: a key has no effect`, {
    hint: "Leave it out",
  });
}

async function hinted(open: () => Promise<Vault>, hint: string): Promise<Vault> {
  try {
    return await open();
  } catch (error) {
    throw error instanceof DamageError ? addHint(error, hint) : error;
  }
}

function tarHint(path: string): string {
  return `that needs a configuration: take it out of the newest backup first (tar -xzf ${path}/ID.tar.gz holdfast/holdfast.yaml, or copy it out of the folder ${path}/ID/holdfast)`;
}

const SEALED_HINT = "that needs a configuration: write one that names this vault, its instance and the key";

function refuseNoFolder(path: string): void {
  let folder: boolean;
  try {
    folder = statSync(path).isDirectory();
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT" && errnoOf(cause) !== "ENOTDIR") throw namedSystemError(cause, `look at "${path}"`);
    throw new NotFoundError("PATH_NOT_FOUND", `There is nothing at "${path}"`, {
      cause,
      hint: "Name the folder of the vault: the backup.path of the instance that is to come back",
    });
  }
  if (folder) return;
  const above = dirname(realpathSync(path));
  const within = isBackupName(basename(path)) && looksLikeVault(above);
  throw new UsageError("USAGE", `"${path}" is a file, and no vault`, {
    hint: within
      ? `It is one backup of the vault "${above}": name that folder`
      : "What `holdfast export` wrote goes into a vault first: take holdfast.yaml out of it (tar -xzf FILE holdfast/holdfast.yaml), set its backup.path, and run holdfast import FILE",
  });
}

function noVault(path: string): NotFoundError {
  const names = readNames(path);
  const above = dirname(realpathSync(path));
  const hint =
    names.includes(MANIFEST_NAME) && looksLikeVault(above)
      ? `It is one backup of the vault "${above}": name that folder`
      : basename(path) === ".vault" && looksLikeVault(above)
        ? `It belongs to the vault "${above}": name that folder`
        : names.length === 0
          ? "The folder is empty; when another disk belongs there, mount it first"
          : vaultBelow(path, names);
  return new NotFoundError("BACKUP_NOT_FOUND", `There is no vault at "${path}"`, { hint });
}

function vaultBelow(path: string, names: readonly string[]): string {
  const inside = names.map((name) => join(path, name)).find((folder) => looksLikeVault(folder));
  return inside === undefined ? "Name the folder that holds the backups: the backup.path of the instance" : `Did you mean "${inside}"?`;
}

function looksLikeVault(folder: string): boolean {
  return readNames(folder).some((name) => name === ".vault" || isBackupName(name));
}

function isBackupName(name: string): boolean {
  return isBackupId(name.replace(/\.(tar\.gz|backup)$/, ""));
}

function readNames(folder: string): readonly string[] {
  try {
    return lstatSync(folder).isDirectory() || statSync(folder).isDirectory() ? readdirSync(folder) : [];
  } catch {
    // Not readable by this account, or gone: nothing to go by for a hint
    return [];
  }
}
