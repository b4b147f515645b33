import { createHash, randomBytes } from "node:crypto";
import { closeSync, lstatSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, HoldfastError, makeFolder } from "../../kernel/index.ts";
import { purposeKey } from "../keys/derive.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import type { ComponentCache } from "./component-cache.ts";
import { encodeCache, decodeCache } from "./encode-cache.ts";
import type { SideFile } from "./side-file.ts";
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
    const cache = decodeCache(bytes, (name) => sideFile(place, component, name));
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
    writeSealedFile(path, `${path}.new`, keyOf(place), [encodeCache(cache)], associated(place, component));
    sweepSideFiles(place, component, cache);
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof HoldfastError)) throw error;
    return false;
  }
}

/**
 * A new file, empty, that belongs to no backup until a cache names it.
 *
 * @returns undefined when none can be made there
 */
export function newSideFile(place: CachePlace, component: string): SideFile | undefined {
  const file = sideFile(place, component, randomBytes(16).toString("hex"));
  try {
    makeFolder(place.folder);
    closeSync(openSync(file.path, "wx", 0o600));
    return file;
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof HoldfastError)) throw error;
    return undefined;
  }
}

/**
 * Removes side files of a component that are not in use: those of backups that were given up, and of the one before. And whatever has
 * been there for so long that its component, or its vault, must have gone.
 */
export function sweepSideFiles(place: CachePlace, component: string, used: ComponentCache | undefined): void {
  const named = new Set([used?.memory?.records.path, ...[...(used?.databases.values() ?? [])].map(({ pages }) => pages?.path)]);
  const prefix = `${hashOf(place, component)}.`;
  try {
    for (const name of readdirSync(place.folder)) {
      const path = join(place.folder, name);
      const isOwn = name.startsWith(prefix);
      if (isOwn ? name.endsWith(SIDE) && !named.has(path) : isDead(path)) rmSync(path, { force: true });
    }
  } catch (error) {
    // The next backup tries again.
    if (errnoOf(error) === undefined) throw error;
  }
}

function isDead(path: string): boolean {
  if (!path.endsWith(SIDE) && !path.endsWith(CACHE)) return false;
  const { mtimeMs = Date.now() } = lstatSync(path, { throwIfNoEntry: false }) ?? {};
  return mtimeMs < Date.now() - DEAD;
}

function sideFile(place: CachePlace, component: string, name: string): SideFile {
  return { name, path: join(place.folder, `${hashOf(place, component)}.${name}${SIDE}`), key: keyOf(place) };
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

function pathOf(place: CachePlace, component: string): string {
  return join(place.folder, `${hashOf(place, component)}${CACHE}`);
}

/** A component's name is not a file's. */
function hashOf({ vault }: CachePlace, component: string): string {
  return createHash("sha256").update(`${vault}|${component}`).digest("hex").slice(0, 32);
}
