import { DamageError } from "../../kernel/index.ts";
import type { FoundBackup } from "../../local-vault/index.ts";
import { goodFor } from "../../vault/index.ts";
import type { PackTable } from "../manifest/pack-table.ts";
import type { Locator, PackId } from "../pack/locator.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import { resolvePageMap, type PageMap } from "../tree/page-map.ts";
import { ReferenceIndex } from "../tree/reference-index.ts";
import type { ComponentRoot, TreeRoot } from "../tree/roots.ts";
import type { PageMapRef, TreeEntry } from "../tree/tree-entry.ts";
import { readEntries, readRuns, treeReferences, type ReadRun } from "../tree/tree-reader.ts";
import { BaseEntries } from "./base-entries.ts";
import { MovedEntries } from "./moved-entries.ts";
import type { OpenBackup } from "./open-backups.ts";

export interface FoundBase {
  /** undefined when there is none. */
  readonly base: Base | undefined;
  /** For people, about what the backup now does not rely on. */
  readonly warnings: readonly string[];
}

/** The newest backup that is good for a component: what has not changed since is named where it lies. */
export class Base {
  /** undefined for what an unfinished one had stored so far. */
  readonly backup: FoundBackup | undefined;
  readonly packs: PackTable;
  readonly root: TreeRoot;
  readonly #file: OpenBackup;
  readonly #entries: BaseEntries = new BaseEntries(() => readRuns(this.source, this.root));
  /** Another one: the first goes on from where it is. */
  readonly #moved: MovedEntries = new MovedEntries(new BaseEntries(() => readRuns(this.source, this.root), 0));
  #isLost = false;
  #index: ReferenceIndex | undefined;

  private constructor(file: OpenBackup, root: TreeRoot) {
    this.#file = file;
    this.backup = file.backup;
    this.packs = file.packs;
    this.root = root;
  }

  /** Reads the tree now, where its damage can be met, unless all metadata of its backup is known to be sound. @throws DamageError */
  checkTree(): void {
    if (this.#file.hasSoundTrees()) return;
    readEntries(this.source, this.root).forEach(() => {});
  }

  /** In stored order, a run at a time in memory. @throws DamageError */
  readEntries(): Generator<TreeEntry, void> {
    return readEntries(this.source, this.root);
  }

  /**
   * Asked in stored order.
   *
   * @throws DamageError once: after that nothing is known of the entries from there on
   */
  find(path: string): TreeEntry | undefined {
    return this.#unlessLost(() => this.#entries.find(path));
  }

  #unlessLost<T>(read: () => T | undefined): T | undefined {
    if (this.#isLost) return undefined;
    try {
      return read();
    } catch (error) {
      this.#isLost = true;
      throw error;
    }
  }

  /** The run that begins with a path, when that is what comes next. Asked in stored order, as find(), and before it. @throws DamageError once */
  runAt(path: string): ReadRun | undefined {
    return this.#unlessLost(() => this.#entries.runAt(path));
  }

  /** All of what runAt() gave last was in the state. */
  pass(run: ReadRun): void {
    this.#entries.pass(run);
  }

  /** Those behind the one that find() gave last, in its run. */
  behind(): readonly TreeEntry[] {
    return this.#entries.behind();
  }

  /** So many of those were in the state as well. */
  skip(count: number): void {
    this.#entries.skip(count);
  }

  /** What a file was that lay there and lies elsewhere now; undefined also when that would take too long. @throws DamageError */
  findMoved(path: string): TreeEntry | undefined {
    return this.#isLost ? undefined : this.#moved.find(path);
  }

  /** The run that begins with a path which was asked for of late. */
  readonly runFrom = (path: string): ReadRun | undefined => this.#entries.runFrom(path);

  get index(): ReferenceIndex {
    return (this.#index ??= new ReferenceIndex(treeReferences(this.source, this.root)));
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

  /** Gives what reads places in order; the bytes of one are good until the next is read. */
  async passing<T>(work: (read: (place: Locator) => Uint8Array) => Promise<T>): Promise<T> {
    using frames = this.#file.newFrames();
    return await work((place) => frames.get(place));
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
