import { DamageError } from "../kernel/index.ts";
import { quotePath } from "./entry-path.ts";
import type { Entry } from "./entry.ts";
import { PlaceSet } from "./place-set.ts";

/** Implied: a folder on the way to an entry, which no entry describes. */
const KINDS = { file: 1, directory: 2, symlink: 3, implied: 4 } as const;

/**
 * Looks at all entries of one backup together, in stored order: every place is written once, nothing is written below a
 * link or a file, and another name of a file comes after the file. Holds a few bytes per entry in memory.
 *
 * `foreign` is for an archive that comes from outside. It also refuses set-user-id files, and names that differ only in
 * case or Unicode form: on some file systems one would overwrite the other. A backup of our own may hold both, because a
 * Linux folder may hold README and readme, and leaving one of them out would lose it.
 */
export class EntrySafety {
  readonly #places: PlaceSet = new PlaceSet();
  readonly #folded: Map<string, string> | undefined;
  /** In which the entry before lies: most lie where the one before does. */
  #checkedFolder = "";

  constructor(options: { readonly foreign: boolean }) {
    this.#folded = options.foreign ? new Map() : undefined;
  }

  /** @param place where the entry lies inside the backup (`storedPath`) */
  add(entry: Entry, place: string): void {
    this.#checkFolders(place);
    const known = this.#places.set(place, KINDS[entry.type]);
    if (known !== 0 && !(known === KINDS.implied && entry.type === "directory")) throw hostile(place, "is there twice");
    if (this.#folded === undefined) return;
    if (entry.type === "file" && (entry.mode & 0o6000) !== 0) throw hostile(place, "would run with the rights of its owner");
    const folded = place.normalize("NFC").toLowerCase().normalize("NFC");
    const other = this.#folded.get(folded);
    if (other !== undefined && other !== place) throw hostile(place, `differs from ${quotePath(other)} in case or Unicode form only`);
    this.#folded.set(folded, place);
  }

  /** Another name of a file: its first name was added before and is a file. */
  addLink(entry: Entry, place: string, firstPlace: string): void {
    if (this.#places.get(firstPlace) !== KINDS.file)
      throw hostile(place, `is another name of ${quotePath(firstPlace)}, which is no earlier file`);
    this.add(entry, place);
  }

  /** Every place of the backup, with the folders that no entry describes. */
  has(place: string): boolean {
    return this.#places.get(place) !== 0;
  }

  /** A folder stays one: what has made it another thing has been refused. */
  #checkFolders(place: string): void {
    const last = place.slice(0, Math.max(place.lastIndexOf("/"), 0));
    if (last === this.#checkedFolder) return;
    this.#checkedFolder = last;
    for (let end = last.length; end > 0; end = last.lastIndexOf("/", end - 1)) {
      const folder = last.slice(0, end);
      const kind = this.#places.get(folder);
      if (kind === KINDS.directory || kind === KINDS.implied) return;
      if (kind !== 0) throw hostile(place, `lies below ${quotePath(folder)}, which is a ${kind === KINDS.symlink ? "link" : "file"}`);
      this.#places.set(folder, KINDS.implied);
    }
  }
}

function hostile(place: string, problem: string): DamageError {
  return new DamageError("ARCHIVE_HOSTILE", `Refuse ${quotePath(place)}: it ${problem}`, {
    hint: "Do not unpack this backup by other means; nothing was written",
  });
}
