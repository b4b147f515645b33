import { ROWS } from "./rows.ts";
import type { FolderRecord, RememberedFolder } from "./tree-memory.ts";

/** Slots of which one is in use, at most: more of them are looked at in vain otherwise. */
const SPARSE = 2;
/** Records of folders that are kept: files may come from a few folders by turns. */
const KEPT = 8;
/** Records that are read again because they were not kept: a large one takes long. */
const MOST_READ_AGAIN = 64;

/** The files of a memory by their inodes, in 12 bytes for each slot: made when the first of them is looked for. */
export class InodeIndex {
  readonly #folders: readonly RememberedFolder[];
  /** Number of the first row of each folder, all rows counted through. */
  readonly #firsts: readonly number[];
  /** 0: free. */
  readonly #inodes: BigInt64Array;
  readonly #rows: Uint32Array;
  /** Longest asked for first. */
  readonly #kept: Map<number, FolderRecord | undefined> = new Map();
  #reads = 0;

  constructor(folders: readonly RememberedFolder[]) {
    this.#folders = folders;
    let rows = 0;
    this.#firsts = folders.map(({ count }) => (rows += count) - count);
    const slots = 2 ** Math.ceil(Math.log2(rows * SPARSE + 1));
    this.#inodes = new BigInt64Array(slots);
    this.#rows = new Uint32Array(slots);
    for (const [number, folder] of folders.entries()) this.#add(this.#firsts[number] ?? 0, folder.read());
  }

  /** Of the first that has it; undefined also when it would take too long to tell its name. */
  pathOf(inode: bigint): string | undefined {
    const slot = this.#slot(inode);
    if (inode === 0n || this.#inodes[slot] !== inode) return undefined;
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
      // What has several names is stored under the first.
      if (this.#inodes[slot] === inode) continue;
      this.#inodes[slot] = inode;
      this.#rows[slot] = first + row;
    }
  }

  /** Where an inode is, or would go. */
  #slot(inode: bigint): number {
    const mask = this.#inodes.length - 1;
    let slot = mixed(inode) & mask;
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

  #record(folder: number): FolderRecord | undefined {
    const isKept = this.#kept.has(folder);
    if (!isKept && this.#reads >= this.#folders.length + MOST_READ_AGAIN) return undefined;
    if (!isKept) this.#reads += 1;
    const record = isKept ? this.#kept.get(folder) : this.#folders[folder]?.read();
    this.#kept.delete(folder);
    this.#kept.set(folder, record);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
    return record;
  }
}

/** File systems give inodes in long rows, some of them many rows that differ in high bits alone: side by side they would all be in each other's way. */
function mixed(inode: bigint): number {
  let bits = Number(BigInt.asUintN(32, inode)) ^ Math.imul(Number(BigInt.asUintN(32, inode >> 32n)), 0x9e37_79b1);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return bits ^ (bits >>> 16);
}
