import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { unsafeFileSystem } from "../kernel/index.ts";

export interface VaultPlace {
  readonly path: string;
  /** Said to the user: why there. */
  readonly why: string;
}

/** Local disk file systems; everything else mounted is no place for a vault without being asked. */
const DISKS = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs"]);
const SYSTEM = /^\/(boot|efi|proc|sys|dev|run|snap|etc|usr|var\/lib|tmp|nix|home|root)?(\/|$)/;

/** Where a new vault goes: another disk when one is mounted and writable, else this account's data folder. */
export function chooseVaultPlace(protectedFolder: string, instance: string, mounts?: string): VaultPlace {
  for (const point of otherDisks(protectedFolder, mounts))
    return { path: join(point, "holdfast", instance), why: `on another disk, mounted at "${point}"` };
  const base = process.getuid?.() === 0 ? "/var/backups" : dataFolder();
  return { path: join(base, "holdfast", instance), why: "no second disk is mounted: a disk failure takes state and backups together" };
}

/**
 * Mount points of disks that this account may write to, other than that of a folder.
 *
 * @param mounts As in /proc/self/mounts; what is mounted now unless given
 */
export function* otherDisks(folder: string, mounts: string = readFileSync("/proc/self/mounts", "utf8")): Generator<string> {
  const here = statSync(folder).dev;
  for (const line of mounts.split("\n")) {
    const [, mount, kind, options] = line.split(" ");
    if (mount === undefined || kind === undefined || !DISKS.has(kind) || options?.split(",").includes("ro") === true) continue;
    const point = mount.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    if (SYSTEM.test(point) || folder.startsWith(`${point}/`)) continue;
    if (isWritableFolder(point) && statSync(point).dev !== here && unsafeFileSystem(point) === undefined) yield point;
  }
}

/** A relative or empty XDG_DATA_HOME is to be ignored, says its specification. */
function dataFolder(): string {
  const chosen = process.env["XDG_DATA_HOME"] ?? "";
  return isAbsolute(chosen) ? chosen : join(homedir(), ".local", "share");
}

function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
