import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, lstatAt, namedSystemError } from "../../kernel/index.ts";
import type { PackId } from "./locator.ts";

/** What a pack table says of a pack, and a reader holds it to. */
export interface PackPlace {
  readonly id: PackId;
  /** SHA-256 of the file in hex: its name. */
  readonly name: string;
  /** Bytes of the file. */
  readonly length: number;
}

/** @param folder of the vault */
export function packPath(folder: string, name: string): string {
  return `${packFolder(folder, name)}/${name}`;
}

/**
 * Whether a pack lies there as a table says, by one look and unread. `changed`: something of its name is there, and is no file
 * of its length.
 */
export function seePack(folder: string, { name, length }: Pick<PackPlace, "name" | "length">): "there" | "missing" | "changed" {
  const found = lstatAt(packPath(folder, name));
  if (found === undefined) return "missing";
  return found.isFile() && Number(found.size) === length ? "there" : "changed";
}

export function packsFolder(folder: string): string {
  return join(folder, "packs");
}

/** One of 256 folders. */
export function packFolder(folder: string, name: string): string {
  return `${packsFolder(folder)}/${name.slice(0, 2)}`;
}

/** Names of all packs that lie where a reader looks for them; of one that lies elsewhere nobody reads, and nothing is done to it. */
export function packsIn(folder: string): readonly string[] {
  return namesIn(packsFolder(folder))
    .filter((part) => /^[0-9a-f]{2}$/.test(part))
    .flatMap((part) => namesIn(`${packsFolder(folder)}/${part}`).filter((name) => name.startsWith(part) && /^[0-9a-f]{64}$/.test(name)));
}

/** Where packs lie that are being written. */
export function newPacksFolder(folder: string): string {
  return join(packsFolder(folder), ".new");
}

/** Of one of those folders; none where there is no such folder. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return [];
    throw namedSystemError(error, `read "${folder}"`);
  }
}
