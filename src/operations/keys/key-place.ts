import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { UsageError } from "../../kernel/index.ts";
import { nearestThere, vaultAround } from "../own-folders.ts";
import { otherDisks } from "../vault-place.ts";

export interface KeyPlace {
  readonly path: string;
  /** Said to the user: why there. */
  readonly why: string;
  /** Whether a disk that dies takes the key along with the state. */
  readonly besideState: boolean;
}

/** Where an account keeps its keys. A relative or empty XDG_CONFIG_HOME is to be ignored, says its specification. */
export function keysHome(env: NodeJS.ProcessEnv): string {
  const chosen = env["XDG_CONFIG_HOME"] ?? "";
  const home = env["HOME"] ?? "";
  return join(isAbsolute(chosen) ? chosen : join(isAbsolute(home) ? home : homedir(), ".config"), "holdfast");
}

/** `<instance>.key`, under a name that is free: a key file is never written over, it might be the only key of another vault. */
export function freeKeyPath(folder: string, instance: string): string {
  for (let n = 1; ; n += 1) {
    const path = join(folder, `${instance}${n === 1 ? "" : `-${n}`}.key`);
    if (!existsSync(path) && !existsSync(sheetBeside(path))) return path;
  }
}

export function sheetBeside(keyFile: string): string {
  return `${keyFile.replace(/\.key$/, "")}.recovery.txt`;
}

/** One that lies there may be of another vault, or was left by a run that was killed before anything opened with it. */
export function freeSheetPath(keyFile: string): string {
  const first = sheetBeside(keyFile);
  for (let n = 1; ; n += 1) {
    const path = n === 1 ? first : first.replace(/\.txt$/, `-${n}.txt`);
    if (!existsSync(path)) return path;
  }
}

/**
 * Where the key of a new vault goes: off the disk of the state where that can be, and never onto that of the vault, where
 * it would open the vault for whoever takes the disk.
 *
 * @param mounts As in /proc/self/mounts; what is mounted now unless given
 */
export function chooseKeyPlace(
  { folder, vault, instance, env }: { folder: string; vault: string; instance: string; env: NodeJS.ProcessEnv },
  mounts?: string,
): KeyPlace {
  const home = keysHome(env);
  const [state, backups] = [diskAt(folder), diskAt(vault)];
  const atHome = freeKeyPath(home, instance);
  if (diskAt(home) !== state) return { path: atHome, why: "on another disk than the state", besideState: false };
  for (const disk of otherDisks(folder, mounts)) {
    if (diskAt(disk) === backups) continue;
    return { path: freeKeyPath(join(disk, "holdfast-keys"), instance), why: `on another disk, mounted at "${disk}"`, besideState: false };
  }
  const why = "on the disk of the state: when that disk is lost, only the recovery code opens the vault";
  return { path: atHome, why, besideState: true };
}

/** Device number of what is there, or of the nearest folder above. */
function diskAt(path: string): number {
  return statSync(nearestThere(path)).dev;
}

/** A key or code inside the vault lies where whoever takes the vault finds it; so does one inside any other vault. */
export function refuseInsideVault(keyFile: string, vault?: string): void {
  const around = vaultAround(keyFile, vault);
  if (around === undefined) return;
  throw new UsageError("USAGE", `"${keyFile}" would lie inside the vault "${around}", beside what it locks`, {
    hint: "Name a file elsewhere, best on another disk",
  });
}
