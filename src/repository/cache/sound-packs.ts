import { createHash } from "node:crypto";
import { join } from "node:path";
import { lstatAt, makeFolder } from "../../kernel/index.ts";
import { fileLook, isSameLook, type FileLook } from "../../vault/index.ts";
import { purposeKey } from "../keys/derive.ts";
import { packPath, type PackPlace } from "../pack/pack-place.ts";
import type { CachePlace } from "./cache-folder.ts";
import { readSealedFile, writeSealedFile } from "./sealed-file.ts";
import { unlessSystemFails } from "./unless-system-fails.ts";

const VERSION = 1;
/** Everything is read again after so long, whatever it looks like. Milliseconds. */
const READ_AGAIN: number = 24 * 60 * 60 * 1000;
/** A change so shortly before a look may hide a later one behind the same time, on the coarsest clock of a file system. Milliseconds. */
const COARSEST_CLOCK = 2000;

interface Seen {
  readonly look: FileLook;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
}

interface Kept {
  readonly version: number;
  /** By name: inode, size, times of its last changes, when it was read. */
  readonly packs: Readonly<Record<string, readonly [string, number, string, string, number]>>;
}

/**
 * The packs of which all metadata could be read within the last day. A vault of a terabyte has sixty thousand packs, and a backup that changes
 * nothing in it would open each of them to know that its trees may be named once more. What a verify has found damaged is not asked about here.
 */
export class SoundPacks {
  readonly #place: CachePlace;
  readonly #folder: string;
  readonly #now: number;
  readonly #path: string;
  readonly #seen: Map<string, Seen> = new Map();
  #before: ReadonlyMap<string, Seen> | undefined;
  #isNew = false;

  /** @param folder of the vault. @param now of the backup under way. Milliseconds since the epoch */
  constructor(place: CachePlace, folder: string, now: number) {
    this.#place = place;
    this.#folder = folder;
    this.#now = now;
    this.#path = join(place.folder, `${createHash("sha256").update(`${place.vault}|sound`).digest("hex").slice(0, 32)}.sound`);
  }

  /** Reads a pack, unless that was done of late and it looks as it did. Throws what `read` throws. */
  see({ name }: PackPlace, read: () => void): void {
    const stats = lstatAt(packPath(this.#folder, name));
    const look = stats === undefined ? undefined : fileLook(stats);
    const known = (this.#before ??= this.#load()).get(name);
    if (look !== undefined && known !== undefined && isSameLook(known.look, look) && this.#isRecent(known.readAt)) {
      this.#seen.set(name, known);
      return;
    }
    read();
    if (look === undefined || look.ctimeNs > BigInt(Math.floor(this.#now) - COARSEST_CLOCK) * 1_000_000n) return;
    this.#seen.set(name, { look, readAt: this.#now });
    this.#isNew = true;
  }

  /** A clock that went backwards does not tell. */
  #isRecent(readAt: number): boolean {
    return this.#now >= readAt && this.#now - readAt < READ_AGAIN;
  }

  /** For the next backup; those that were not asked about are forgotten. */
  save(): void {
    if (!this.#isNew) return;
    const packs = Object.fromEntries(
      [...this.#seen].map(([name, { look, readAt }]) => [
        name,
        [String(look.inode), look.size, String(look.mtimeNs), String(look.ctimeNs), readAt] as const,
      ]),
    );
    const kept: Kept = { version: VERSION, packs };
    unlessSystemFails(() => {
      makeFolder(this.#place.folder);
      writeSealedFile(this.#path, `${this.#path}.new`, this.#key(), Buffer.from(JSON.stringify(kept)), this.#associated());
    });
    this.#isNew = false;
  }

  #load(): ReadonlyMap<string, Seen> {
    const bytes = unlessSystemFails(() => readSealedFile(this.#path, this.#key(), this.#associated()));
    // Whoever has the key has written it: it is as it was written.
    const kept = bytes === undefined ? undefined : (JSON.parse(bytes.toString("utf8")) as Kept);
    if (kept?.version !== VERSION) return new Map();
    return new Map(
      Object.entries(kept.packs).map(([name, [inode, size, mtime, ctime, readAt]]) => [
        name,
        { look: { inode: BigInt(inode), size, mtimeNs: BigInt(mtime), ctimeNs: BigInt(ctime) }, readAt },
      ]),
    );
  }

  #key(): Buffer {
    return purposeKey(this.#place.keys.newest.master, "cache");
  }

  #associated(): string {
    return `holdfast sound ${VERSION}|${this.#place.vault}`;
  }
}
