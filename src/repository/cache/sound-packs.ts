import { lstatAt } from "../../kernel/index.ts";
import { fileLook, isRecentlyRead, isSameLook, type FileLook } from "../../vault/index.ts";
import { packPath, type PackPlace } from "../pack/pack-place.ts";
import type { CachePlace } from "./cache-folder.ts";
import { vaultFile, type VaultFile } from "./vault-file.ts";

/** Everything is read again after so long, whatever it looks like. Milliseconds. */
const READ_AGAIN: number = 24 * 60 * 60 * 1000;
/** A change so shortly before a look may hide a later one behind the same time, on the coarsest clock of a file system. Milliseconds. */
const COARSEST_CLOCK = 2000;

interface Seen {
  readonly look: FileLook;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
}

/** By name: inode, size, times of its last changes, when it was read. */
type Kept = Readonly<Record<string, readonly [string, number, string, string, number]>>;

/**
 * The packs of which all metadata could be read within the last day. A vault of a terabyte has sixty thousand packs, and a backup that changes
 * nothing in it would open each of them to know that its trees may be named once more. What a verify has found damaged is not asked about here.
 */
export class SoundPacks {
  readonly #file: VaultFile;
  readonly #folder: string;
  readonly #now: number;
  readonly #seen: Map<string, Seen> = new Map();
  #before: ReadonlyMap<string, Seen> | undefined;
  #isNew = false;

  /** @param folder of the vault. @param now of the backup under way. Milliseconds since the epoch */
  constructor(place: CachePlace, folder: string, now: number) {
    this.#file = vaultFile(place, "sound");
    this.#folder = folder;
    this.#now = now;
  }

  /** Reads a pack, unless that was done of late and it looks as it did. Throws what `read` throws. */
  see({ name }: PackPlace, read: () => void): void {
    const stats = lstatAt(packPath(this.#folder, name));
    const look = stats === undefined ? undefined : fileLook(stats);
    const known = (this.#before ??= this.#load()).get(name);
    if (look !== undefined && known !== undefined && isSameLook(known.look, look) && isRecentlyRead(known.readAt, this.#now, READ_AGAIN)) {
      this.#seen.set(name, known);
      return;
    }
    read();
    if (look === undefined || look.ctimeNs > BigInt(Math.floor(this.#now) - COARSEST_CLOCK) * 1_000_000n) return;
    this.#seen.set(name, { look, readAt: this.#now });
    this.#isNew = true;
  }

  /** For the next backup; those that were not asked about are forgotten. */
  save(): void {
    if (!this.#isNew) return;
    const kept: Kept = Object.fromEntries(
      [...this.#seen].map(
        ([
          name,
          {
            look: { inode, size, mtimeNs, ctimeNs },
            readAt,
          },
        ]) => [name, [String(inode), size, String(mtimeNs), String(ctimeNs), readAt] as const],
      ),
    );
    this.#file.save(Buffer.from(JSON.stringify(kept)));
    this.#isNew = false;
  }

  #load(): ReadonlyMap<string, Seen> {
    const bytes = this.#file.load();
    if (bytes === undefined) return new Map();
    // Whoever has the key has written it: it is as it was written.
    return new Map(
      Object.entries(JSON.parse(bytes.toString("utf8")) as Kept).map(([name, [inode, size, mtime, ctime, readAt]]) => [
        name,
        { look: { inode: BigInt(inode), size, mtimeNs: BigInt(mtime), ctimeNs: BigInt(ctime) }, readAt },
      ]),
    );
  }
}
