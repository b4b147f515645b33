import { DamageError } from "../../kernel/index.ts";
import type { FoundBackup } from "../../local-vault/index.ts";
import { goodFor } from "../../vault/index.ts";
import type { PackTable } from "../manifest/pack-table.ts";
import type { Locator, PackId } from "../pack/locator.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import { resolvePageMap, type PageMap } from "../tree/page-map.ts";
import { ReferenceIndex } from "../tree/reference-index.ts";
import type { Reference } from "../tree/reference.ts";
import type { ComponentRoot, TreeRoot } from "../tree/roots.ts";
import type { EntryFacts, PageMapRef, TreeEntry } from "../tree/tree-entry.ts";
import { readRuns, treeReferences, type ReadRun } from "../tree/tree-reader.ts";
import type { OpenBackup } from "./open-backups.ts";

export interface FoundBase {
  /** undefined when there is none. */
  readonly base: Base | undefined;
  /** For people, about what the backup now does not rely on. */
  readonly warnings: readonly string[];
}

/** Entries that are passed over for one that is asked for; more were taken away or came, and it is looked up. */
const PASSED_OVER = 256;

/** The newest backup that is good for a component: what has not changed since is named where it lies. */
export class Base {
  /** undefined for what an unfinished one had stored so far. */
  readonly backup: FoundBackup | undefined;
  readonly packs: PackTable;
  readonly root: TreeRoot;
  readonly #file: OpenBackup;
  #entries: readonly TreeEntry[] | undefined;
  #byPath: ReadonlyMap<string, TreeEntry> | undefined;
  /** Behind the one that was found last. */
  #next = 0;
  #runs: ReadonlyMap<EntryFacts, ReadRun> | undefined;
  #references: readonly Reference[] | undefined;
  #index: ReferenceIndex | undefined;

  private constructor(file: OpenBackup, root: TreeRoot) {
    this.#file = file;
    this.backup = file.backup;
    this.packs = file.packs;
    this.root = root;
  }

  /** Reads the tree now, where its damage can be met. @throws DamageError */
  readTree(): void {
    if (this.#entries !== undefined) return;
    const runs = new Map<EntryFacts, ReadRun>();
    const entries: TreeEntry[] = [];
    for (const run of readRuns(this.source, this.root)) {
      const [first] = run.entries;
      if (first !== undefined) runs.set(first.entry, run);
      entries.push(...run.entries);
    }
    [this.#entries, this.#runs] = [entries, runs];
    this.#references = treeReferences(this.source, this.root);
  }

  /** In stored order. */
  get entries(): readonly TreeEntry[] {
    if (this.#entries === undefined) this.readTree();
    return this.#entries ?? [];
  }

  /** Mostly asked in stored order, where the next one is it. */
  find(path: string): TreeEntry | undefined {
    const { entries } = this;
    const last = Math.min(this.#next + PASSED_OVER, entries.length);
    for (let index = this.#next; index < last; index += 1) {
      const entry = entries[index];
      if (entry?.entry.path !== path) continue;
      this.#next = index + 1;
      return entry;
    }
    this.#byPath ??= new Map(entries.map((entry) => [entry.entry.path, entry]));
    return this.#byPath.get(path);
  }

  /** The run that begins with an entry, which is the very object that is among the entries here. */
  readonly runOf = (first: EntryFacts): ReadRun | undefined => this.#runs?.get(first);

  /** Of the runs, and of the blocks that name them. */
  get references(): readonly Reference[] {
    if (this.#references === undefined) this.readTree();
    return this.#references ?? [];
  }

  get index(): ReferenceIndex {
    return (this.#index ??= new ReferenceIndex(this.references));
  }

  /** Of all components of the backup. */
  get roots(): readonly ComponentRoot[] {
    return this.#file.roots;
  }

  get source(): MetaSource {
    return { get: (place) => this.read(place) };
  }

  /** Whether the whole backup may be named again where it lies, by its roots alone. */
  get isKept(): boolean {
    return this.packs.entries.every(({ id }) => this.keeps(id)) && this.#file.hasSoundTrees();
  }

  /** What was stored for a component by a backup that was never finished. */
  static ofCheckpoint(component: string, file: OpenBackup | undefined): Base | undefined {
    const root = file?.roots.find(({ name }) => name === component)?.root;
    return file === undefined || root === undefined ? undefined : new Base(file, root);
  }

  /**
   * The newest that can be read. One that is damaged keeps no new backup from being taken: that compares with an older one,
   * or stores everything anew, and is told. Trees are read when they are needed: `damaged` are those found so by then.
   */
  static find(
    component: string,
    backups: readonly FoundBackup[],
    open: (backup: FoundBackup) => OpenBackup,
    damaged: ReadonlyMap<string, DamageError> = new Map(),
  ): FoundBase {
    const warnings = [...damaged].map(([id, error]) => notComparedWith(id, error));
    const good = backups.filter(({ id, manifest }) => goodFor(manifest, component) && !damaged.has(id));
    for (const backup of good.toSorted(newestFirst)) {
      try {
        const file = open(backup);
        const root = file.roots.find(({ name }) => name === component)?.root;
        return { base: root === undefined ? undefined : new Base(file, root), warnings };
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        warnings.push(notComparedWith(backup.id, error));
      }
    }
    return { base: undefined, warnings };
  }

  /** Whether what lies in a pack may be named again where it lies. */
  keeps(pack: PackId): boolean {
    return this.#file.kept.has(pack);
  }

  pageMap(ref: PageMapRef): PageMap {
    return { ref, resolved: resolvePageMap(this.source, ref) };
  }

  read(place: Locator): Uint8Array {
    return this.#file.frames.get(place);
  }
}

function notComparedWith(id: string, { message }: DamageError): string {
  return `Backup "${id}" could not be compared with, and is damaged: ${message}`;
}

/** One that was imported came last and is older than it looks: it is compared with when there is no other. */
function newestFirst({ manifest: one }: FoundBackup, { manifest: other }: FoundBackup): number {
  const imported = Number(one.imported_from !== undefined) - Number(other.imported_from !== undefined);
  return imported === 0 ? other.sequence - one.sequence : imported;
}
