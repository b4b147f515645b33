import { lstatSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { InodeIndex } from "./inode-index.ts";
import { ROWS, Rows } from "./rows.ts";
import type { RememberedFolder } from "./tree-memory.ts";

const LOOK = lstatSync(".", { bigint: true });

interface Folder extends RememberedFolder {
  readonly reads: () => number;
}

/** A folder of files with those inodes, in order. */
function folderOf(path: string, inodes: readonly bigint[]): Folder {
  let reads = 0;
  const rows = new Rows(inodes.length);
  for (const [row, ino] of inodes.entries()) rows.note(row, ROWS.file, Object.assign(Object.create(LOOK), { ino }) as typeof LOOK, 0);
  return {
    path,
    count: inodes.length,
    isAll: true,
    read: () => {
      reads += 1;
      return { names: inodes.map((_, row) => `file ${row}`), rows, joined: new Uint8Array() };
    },
    reads: () => reads,
  };
}

function range(first: bigint, count: number): readonly bigint[] {
  return Array.from({ length: count }, (_, number) => first + BigInt(number));
}

describe("InodeIndex", () => {
  it("finds files of every folder, whatever their inodes are, and the first of those that have one in common", () => {
    const inodes = [1n, 2n ** 32n + 1n, 2n ** 53n + 1n, BigInt.asIntN(64, 2n ** 63n + 5n), -1n];
    const index = new InodeIndex([folderOf(".", inodes), folderOf("a/b", [7n, 1n])]);
    for (const [row, inode] of inodes.entries()) expect(index.pathOf(inode)).toBe(`file ${row}`);
    expect(index.pathOf(7n)).toBe("a/b/file 0");
    for (const inode of [0n, 2n, 2n ** 32n]) expect(index.pathOf(inode)).toBeUndefined();
  });

  it("does not go through all of them for one, when they lie in long rows or differ in high bits alone", () => {
    const rows = Array.from({ length: 16 }, (_, group) => range(BigInt(group) << 26n, 20_000)).flat();
    const index = new InodeIndex([folderOf(".", rows)]);
    for (let number = 0; number < rows.length; number += 997)
      expect(index.pathOf(rows[number] ?? 0n)).toBe(number === 0 ? undefined : `file ${number}`);
    for (const inode of range(20_000n, 100_000)) expect(index.pathOf(inode)).toBeUndefined();
  });

  it("reads the records of two folders once that are asked for by turns, and gives up when too many are", () => {
    const folders = Array.from({ length: 20 }, (_, number) => folderOf(String(number), range(BigInt(number + 1) * 1000n, 100)));
    const index = new InodeIndex(folders);
    const before = folders.map(({ reads }) => reads());
    for (let file = 0; file < 100; file += 1)
      for (const folder of [1n, 2n]) expect(index.pathOf(folder * 1000n + BigInt(file))).toBeDefined();
    expect(folders.map(({ reads }, number) => reads() - (before[number] ?? 0)).reduce((sum, reads) => sum + reads, 0)).toBe(2);
    const found = range(0n, 100).flatMap((file) => folders.map((_, number) => index.pathOf(BigInt(number + 1) * 1000n + file)));
    expect(found.filter((path) => path === undefined).length).toBeGreaterThan(1000);
    expect(folders.reduce((sum, { reads }) => sum + reads(), 0)).toBeLessThan(20 + 20 + 64 + 1);
  });
});
