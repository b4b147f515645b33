import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openArchiveVault } from "../../archive/index.ts";
import { addHint, DamageError, errnoOf, namedSystemError, NotFoundError, UsageError, type Clock } from "../../kernel/index.ts";
import { isBackupId, MANIFEST_NAME, type Vault, type VaultIdentity } from "../../vault/index.ts";
import { vaultAt } from "../vault-at.ts";

/** Opens the vault at a path in the name of whoever owns it, so that nothing about it has to be known and nothing changes. */
export async function openFoundVault(path: string, clock: Clock): Promise<{ readonly vault: Vault; readonly owner: VaultIdentity }> {
  refuseNoFolder(path);
  const owner = await vaultAt(path);
  if (owner === undefined) throw noVault(path);
  try {
    const vault = await openArchiveVault({ path, instance: { name: owner.instance }, compression: true, create: false, clock });
    return { vault, owner };
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    throw addHint(
      error,
      `that needs a configuration: take it out of the newest backup first (tar -xzf ${path}/ID.tar.gz holdfast/holdfast.yaml, or copy it out of the folder ${path}/ID/holdfast)`,
    );
  }
}

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
  return isBackupId(name.replace(/\.tar\.gz$/, ""));
}

function readNames(folder: string): readonly string[] {
  try {
    return lstatSync(folder).isDirectory() || statSync(folder).isDirectory() ? readdirSync(folder) : [];
  } catch {
    // Not readable by this account, or gone: nothing to go by for a hint
    return [];
  }
}
