import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Files by inode: where one lies does not count, for a rename stores nothing. */
export type Stored = ReadonlyMap<bigint, { readonly size: number; readonly mtimeNs: bigint }>;

/** What lies below a folder now. */
export function storedBelow(folder: string): Stored {
  const files = new Map<bigint, { size: number; mtimeNs: bigint }>();
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    const { ino, size, mtimeNs } = lstatSync(join(item.parentPath, item.name), { bigint: true });
    files.set(ino, { size: Number(size), mtimeNs });
  }
  return files;
}

/**
 * Bytes that were written between two looks: whole files that were not there or have changed since. What was removed in
 * between takes nothing off, so that forgetting old backups does not make a new one look small.
 */
export function bytesAdded(before: Stored, after: Stored): number {
  let sum = 0;
  for (const [inode, { size, mtimeNs }] of after) {
    const known = before.get(inode);
    if (known === undefined || known.size !== size || known.mtimeNs !== mtimeNs) sum += size;
  }
  return sum;
}
