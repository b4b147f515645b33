import { DamageError } from "../../kernel/index.ts";
import type { FoundBackup } from "../../local-vault/index.ts";
import { goodFor } from "../../vault/index.ts";
import type { PackTable } from "../manifest/pack-table.ts";
import type { Locator, PackId } from "../pack/locator.ts";
import { resolvePageMap, type PageMap } from "../tree/page-map.ts";
import { ReferenceIndex } from "../tree/reference-index.ts";
import type { Reference } from "../tree/reference.ts";
import type { TreeRoot } from "../tree/roots.ts";
import type { PageMapRef, TreeEntry } from "../tree/tree-entry.ts";
import { readEntries, treeReferences } from "../tree/tree-reader.ts";
import type { OpenBackup } from "./open-backups.ts";

export interface FoundBase {
  /** undefined when there is none. */
  readonly base: Base | undefined;
  /** For people, about what the backup now does not rely on. */
  readonly warnings: readonly string[];
}

/** The newest backup that is good for a component: what has not changed since is named where it lies. */
export class Base {
  readonly backup: FoundBackup;
  readonly packs: PackTable;
  readonly entries: ReadonlyMap<string, TreeEntry>;
  readonly root: TreeRoot;
  /** Of the runs, and of the blocks that name them. */
  readonly references: readonly Reference[];
  readonly index: ReferenceIndex;
  readonly #file: OpenBackup;

  private constructor(file: OpenBackup, root: TreeRoot) {
    const source = { get: (place: Locator): Uint8Array => file.frames.get(place) };
    this.#file = file;
    this.backup = file.backup;
    this.packs = file.packs;
    this.entries = new Map([...readEntries(source, root)].map((entry) => [entry.entry.path, entry]));
    this.root = root;
    this.references = treeReferences(source, root);
    this.index = new ReferenceIndex(this.references);
  }

  /**
   * The newest that can be read. One whose trees are damaged keeps no new backup from being taken: that compares with an
   * older one, or stores everything anew, and is told.
   */
  static find(component: string, backups: readonly FoundBackup[], open: (backup: FoundBackup) => OpenBackup): FoundBase {
    const warnings: string[] = [];
    const good = backups.filter(({ manifest }) => goodFor(manifest, component));
    for (const backup of good.toSorted(newestFirst)) {
      try {
        const file = open(backup);
        const root = file.roots.find(({ name }) => name === component)?.root;
        return { base: root === undefined ? undefined : new Base(file, root), warnings };
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        warnings.push(`Backup "${backup.id}" could not be compared with, and is damaged: ${error.message}`);
      }
    }
    return { base: undefined, warnings };
  }

  /** Whether what lies in a pack may be named again where it lies. */
  keeps(pack: PackId): boolean {
    return this.#file.kept.has(pack);
  }

  pageMap(ref: PageMapRef): PageMap {
    return { ref, resolved: resolvePageMap({ get: (place) => this.read(place) }, ref) };
  }

  read(place: Locator): Uint8Array {
    return this.#file.frames.get(place);
  }
}

/** One that was imported came last and is older than it looks: it is compared with when there is no other. */
function newestFirst({ manifest: one }: FoundBackup, { manifest: other }: FoundBackup): number {
  const imported = Number(one.imported_from !== undefined) - Number(other.imported_from !== undefined);
  return imported === 0 ? other.sequence - one.sequence : imported;
}
