import { DamageError } from "../kernel/index.ts";
import { EntryChecksum, EntrySafety, storedPath, type Entry, type Manifest } from "../vault/index.ts";

/** More entries than this are refused: a bomb is small on disk and large in memory. */
const MOST_ENTRIES = 20_000_000;

/** The entries from the beginning, some at a time; may be asked for more than once. Throws where they cannot be understood. */
export type EntryBatches = () => AsyncIterable<readonly Entry[]>;

export interface CheckedEntries {
  /** Every place of the backup. */
  readonly safety: EntrySafety;
  /** `component/path` of files that have another name. */
  readonly linked: ReadonlySet<string>;
}

export function placeIn(manifest: Manifest, entry: Entry, path: string = entry.path): string {
  const details = manifest.component_details[entry.component];
  if (details === undefined) throw damaged(`names component "${entry.component}", which the manifest does not`);
  return storedPath(details.stored_as, details.source, path);
}

/**
 * The first pass over the entries: counts, sizes and checksum are those of the manifest, and no place is one that could
 * do harm. Only then is an entry given to anyone.
 */
export async function checkEntries(
  batches: EntryBatches,
  manifest: Manifest,
  options: { readonly foreign: boolean },
): Promise<CheckedEntries> {
  const check = new EntriesCheck(manifest, options);
  for await (const entries of batches()) for (const entry of entries) check.add(entry);
  return check.end();
}

/** The same for who goes through them for something else. */
export class EntriesCheck {
  readonly #manifest: Manifest;
  readonly #checksum = new EntryChecksum();
  readonly #safety: EntrySafety;
  readonly #linked = new Set<string>();
  /** Of each component: what is still to come. */
  readonly #left: Map<string, { entries: number; bytes: number }>;

  /** @throws DamageError BACKUP_DAMAGED for more entries than anybody has */
  constructor(manifest: Manifest, options: { readonly foreign: boolean }) {
    this.#manifest = manifest;
    this.#safety = new EntrySafety(options);
    this.#left = new Map(
      Object.entries(manifest.component_details).map(([name, details]) => [name, { entries: details.entries, bytes: details.bytes }]),
    );
    const declared = this.#left.values().reduce((all, { entries }) => all + entries, 0);
    if (declared > MOST_ENTRIES) throw damaged(`would hold ${declared} entries, and at most ${MOST_ENTRIES} are read`);
  }

  /** In stored order. @throws DamageError BACKUP_DAMAGED */
  add(entry: Entry): void {
    const counts = this.#left.get(entry.component);
    if (counts === undefined || --counts.entries < 0 || (counts.bytes -= entry.size) < 0)
      throw damaged(`holds more of "${entry.component}" than the manifest declares`);
    this.#checksum.add(entry.component, entry);
    const place = placeIn(this.#manifest, entry);
    if (entry.hard_link === undefined) return this.#safety.add(entry, place);
    this.#safety.addLink(entry, place, placeIn(this.#manifest, entry, entry.hard_link));
    this.#linked.add(`${entry.component}/${entry.hard_link}`);
  }

  /** Nothing more comes. @throws DamageError BACKUP_DAMAGED */
  end(): CheckedEntries {
    const { component_details: details, size_bytes: size, checksum } = this.#manifest;
    for (const [name, counts] of this.#left) {
      if (counts.entries !== 0 || counts.bytes !== 0) throw damaged(`holds less of "${name}" than the manifest declares`);
    }
    const total = Object.values(details).reduce((all, { bytes }) => all + bytes, 0);
    if (total !== size) throw damaged("and the manifest disagree about the size");
    if (this.#checksum.value() !== checksum) throw damaged("does not have the checksum of the manifest");
    return { safety: this.#safety, linked: this.#linked };
  }
}

/** The entries once more, for use. The checksum is compared again: nobody may have changed them in between. */
export async function* givenEntries(batches: EntryBatches, manifest: Manifest): AsyncGenerator<Entry> {
  const checksum = new EntryChecksum();
  for await (const entries of batches()) {
    for (const entry of entries) {
      checksum.add(entry.component, entry);
      yield entry;
    }
  }
  if (checksum.value() !== manifest.checksum) throw damaged("changed while it was read");
}

function damaged(problem: string): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The backup is damaged: its list of entries ${problem}`, { hint: "Use another backup" });
}
