import { createHash } from "node:crypto";
import { join } from "node:path";
import { errnoOf, HoldfastError, makeFolder } from "../../kernel/index.ts";
import { purposeKey } from "../keys/derive.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import type { ComponentCache } from "./component-cache.ts";
import { cacheParts, decodeCache } from "./encode-cache.ts";
import { readSealedFile, writeSealedFile } from "./sealed-file.ts";

export interface CachePlace {
  /** Of the instance's state, private. */
  readonly folder: string;
  readonly vault: string;
  readonly keys: VaultKeys;
}

/**
 * The cache of a component, when there is one that was made for this very tree: of the backup that is compared with, or of
 * an earlier one in which the component was the same. It is sealed under a key of the vault:
 * whatever else lies there is no cache, and costs no more than reading everything again.
 */
export function readCache(place: CachePlace, component: string, tree: string): ComponentCache | undefined {
  const bytes = readIfThere(place, component);
  if (bytes === undefined) return undefined;
  try {
    const cache = decodeCache(bytes);
    return cache.tree === tree ? cache : undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** @returns whether it could be written: without it the next backup takes longer, and nothing else */
export function writeCache(place: CachePlace, component: string, cache: ComponentCache): boolean {
  try {
    makeFolder(place.folder);
    const path = pathOf(place, component);
    writeSealedFile(path, `${path}.new`, keyOf(place), cacheParts(cache), associated(place, component));
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof HoldfastError)) throw error;
    return false;
  }
}

function readIfThere(place: CachePlace, component: string): Buffer | undefined {
  try {
    return readSealedFile(pathOf(place, component), keyOf(place), associated(place, component));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

function keyOf({ keys }: CachePlace): Buffer {
  return purposeKey(keys.newest.master, "cache");
}

function associated({ vault }: CachePlace, component: string): string {
  return `holdfast cache 1|${vault}|${component}`;
}

/** By its hash: a component's name is not a file's. */
function pathOf({ folder, vault }: CachePlace, component: string): string {
  return join(folder, `${createHash("sha256").update(`${vault}|${component}`).digest("hex").slice(0, 32)}.cache`);
}
