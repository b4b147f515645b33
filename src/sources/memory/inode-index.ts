import { ROWS } from "./rows.ts";
import type { FolderRecord, RememberedFolder } from "./tree-memory.ts";

/** Slots of which one is in use, at most: half of them are looked at in vain twice. */
const SPARSE = 2;

/** The files of a memory by their inodes, in 12 bytes for each slot: made when the first of them is looked for. */
export class InodeIndex {
  readonly #folders: readonly RememberedFolder[];
  /** Number of the first row of each folder, all rows counted through. */
  readonly #firsts: readonly number[];
  /** 0: free. */
  readonly #inodes: BigUint64Array;
  readonly #rows: Uint32Array;
  #last: { readonly folder: number; readonly record: FolderRecord | undefined } | undefined;

  constructor(folders: readonly RememberedFolder[]) {
    this.#folders = folders;
    let rows = 0;
    this.#firsts = folders.map(({ count }) => (rows += count) - count);
    const slots = 2 ** Math.ceil(Math.log2(rows * SPARSE + 1));
    this.#inodes = new BigUint64Array(slots);
    this.#rows = new Uint32Array(slots);
    for (const [number, folder] of folders.entries()) this.#add(this.#firsts[number] ?? 0, folder.read());
  }

  pathOf(inode: bigint): string | undefined {
    const slot = this.#slot(inode);
    if (this.#inodes[slot] !== inode) return undefined;
    const row = this.#rows[slot] ?? 0;
    const folder = this.#folderOf(row);
    const { path } = this.#folders[folder] ?? {};
    const name = this.#record(folder)?.names[row - (this.#firsts[folder] ?? 0)];
    if (path === undefined || name === undefined) return undefined;
    return path === "." ? name : `${path}/${name}`;
  }

  #add(first: number, record: FolderRecord | undefined): void {
    for (let row = 0; row < (record?.names.length ?? 0); row += 1) {
      if (record?.rows.kind(row) !== ROWS.file) continue;
      const inode = record.rows.inode(row);
      const slot = this.#slot(inode);
      this.#inodes[slot] = inode;
      this.#rows[slot] = first + row;
    }
  }

  /** Where an inode is, or would go. Those of one folder mostly follow one another, and so do their slots. */
  #slot(inode: bigint): number {
    const mask = this.#inodes.length - 1;
    let slot = Number(BigInt.asUintN(32, inode)) & mask;
    while (this.#inodes[slot] !== 0n && this.#inodes[slot] !== inode) slot = (slot + 1) & mask;
    return slot;
  }

  #folderOf(row: number): number {
    let [low, high] = [0, this.#firsts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#firsts[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Who asks mostly goes through a folder. */
  #record(folder: number): FolderRecord | undefined {
    if (this.#last?.folder !== folder) this.#last = { folder, record: this.#folders[folder]?.read() };
    return this.#last.record;
  }
}
