import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import type { Config } from "../config/index.ts";
import { identityAt, identityKey, UsageError } from "../kernel/index.ts";

/** What is there at a path, links followed, or the nearest folder above it that is. */
export function nearestThere(path: string): string {
  let there = path;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  return realpathSync(there);
}

/** The vault that a path lies in or is, whether it is there yet or not: the one named here, or any other. */
export function vaultAround(path: string, vault?: string): string | undefined {
  if (vault !== undefined && liesIn(path, vault)) return vault;
  return foldersOver(path).find((folder) => existsSync(join(folder, ".vault", "vault.json")));
}

/**
 * Refuses to write what a backup holds into a vault, where it would lie in the clear beside what is locked, or into the
 * state folder, where whatever is nobody's may be removed. Links and other names of the same folder lead nowhere else.
 *
 * @throws UsageError USAGE
 */
export function refuseOwnFolders(path: string, { stateDir, backup }: Pick<Config, "stateDir"> & { backup: { path: string } }): void {
  const vault = vaultAround(path, backup.path);
  if (vault !== undefined)
    throw new UsageError("USAGE", `"${path}" would lie in the vault "${vault}", and what is written there is not encrypted`, {
      hint: "Name a place outside the vault; nothing was changed",
    });
  if (liesIn(path, stateDir))
    throw new UsageError("USAGE", `"${path}" would lie in Holdfast's own state folder "${stateDir}"`, {
      hint: "Name a place outside that folder; nothing was changed",
    });
}

/** Whether a path is a folder or in it, by whatever names. */
export function liesIn(path: string, folder: string): boolean {
  const [place, top] = [realPlace(path), realPlace(folder)];
  if (place === top || place.startsWith(top.endsWith(sep) ? top : top + sep)) return true;
  const identity = identityAt(folder);
  if (identity === undefined) return false;
  // The same folder can have two names without a link, as under a bind mount.
  const key = identityKey(identity);
  return foldersOver(path).some((other) => {
    const found = identityAt(other);
    return found !== undefined && identityKey(found) === key;
  });
}

/** What is there at or above a path, nearest first. */
function foldersOver(path: string): readonly string[] {
  const folders = [nearestThere(path)];
  for (let folder = folders[0] ?? path; dirname(folder) !== folder; folder = dirname(folder)) folders.push(dirname(folder));
  return folders;
}

/** What is not there yet keeps its name below the real place of what is. */
function realPlace(path: string): string {
  return existsSync(path) || dirname(path) === path ? realpathSync(path) : join(realPlace(dirname(path)), basename(path));
}
