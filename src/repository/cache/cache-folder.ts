import { createHash } from "node:crypto";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError, makeFolder } from "../../kernel/index.ts";
import { purposeKey } from "../keys/derive.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import type { ComponentCache } from "./component-cache.ts";
import { encodeCache, decodeCache } from "./encode-cache.ts";
import { newSideFile, sideFile, type SideFile } from "./side-file.ts";
import { unlessSystemFails } from "./unless-system-fails.ts";
import { readSealedFile, writeSealedFile } from "./sealed-file.ts";

const SIDE = ".side";
const CACHE = ".cache";
/** Of components that are not stored any more: all others are read again every week. Milliseconds. */
const DEAD = 30 * 24 * 60 * 60 * 1000;

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
    const cache = decodeCache(bytes, (name) => sideFile(sidePath(place, component, name), name, keyOf(place)));
    return cache.tree === tree ? cache : undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** @returns whether it could be written: without it the next backup takes longer, and nothing else */
export function writeCache(place: CachePlace, component: string, cache: ComponentCache): boolean {
  const isWritten = unlessSystemFails(() => {
    makeFolder(place.folder);
    const path = pathOf(place, component);
    writeSealedFile(path, `${path}.new`, keyOf(place), encodeCache(cache), associated(place, component));
    return true;
  });
  if (isWritten === true) sweepSideFiles(place, component, cache);
  return isWritten === true;
}

/**
 * A new file beside the cache of a component, that belongs to no backup until that cache names it.
 *
 * @returns undefined when none can be made there
 */
export function newFileBeside(place: CachePlace, component: string): SideFile | undefined {
  unlessSystemFails(() => makeFolder(place.folder));
  return newSideFile((name) => sidePath(place, component, name), keyOf(place));
}

/** One that is never named: for as long as a backup takes. @param folder that goes with the backup */
export function scratchFile(place: CachePlace, folder: string): SideFile | undefined {
  return newSideFile((name) => join(folder, name), keyOf(place));
}

/**
 * Removes side files of a component that are not in use: those of backups that were given up, and of the one before. And whatever has
 * been there for so long that its component, or its vault, must have gone.
 */
export function sweepSideFiles(place: CachePlace, component: string, used: ComponentCache | undefined): void {
  const named = new Set([used?.memory?.records.path, ...[...(used?.databases.values() ?? [])].map(({ pages }) => pages?.path)]);
  const prefix = `${hashOf(place, component)}.`;
  // What cannot be removed is met by the next backup again.
  for (const name of unlessSystemFails(() => readdirSync(place.folder)) ?? []) {
    const path = join(place.folder, name);
    unlessSystemFails(() => {
      const isGone = name.startsWith(prefix) ? name.endsWith(SIDE) && !named.has(path) : isDead(path);
      if (isGone) rmSync(path, { recursive: true, force: true });
    });
  }
}

function isDead(path: string): boolean {
  if (!path.endsWith(SIDE) && !path.endsWith(CACHE)) return false;
  const { mtimeMs = Date.now() } = lstatSync(path, { throwIfNoEntry: false }) ?? {};
  return mtimeMs < Date.now() - DEAD;
}

function sidePath(place: CachePlace, component: string, name: string): string {
  return join(place.folder, `${hashOf(place, component)}.${name}${SIDE}`);
}

function readIfThere(place: CachePlace, component: string): Buffer | undefined {
  return unlessSystemFails(() => readSealedFile(pathOf(place, component), keyOf(place), associated(place, component)));
}

function keyOf({ keys }: CachePlace): Buffer {
  return purposeKey(keys.newest.master, "cache");
}

function associated({ vault }: CachePlace, component: string): string {
  return `holdfast cache 1|${vault}|${component}`;
}

function pathOf(place: CachePlace, component: string): string {
  return join(place.folder, `${hashOf(place, component)}${CACHE}`);
}

/** A component's name is not a file's. */
function hashOf({ vault }: CachePlace, component: string): string {
  return createHash("sha256").update(`${vault}|${component}`).digest("hex").slice(0, 32);
}
