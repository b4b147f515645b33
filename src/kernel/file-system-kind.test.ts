import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { freeBytes, keepsFolderTimes, unsafeFileSystem } from "./file-system-kind.ts";

describe("unsafeFileSystem()", () => {
  // Numbers of statfs(2), linux/magic.h.
  it.each([
    ["NFS", 0x6969],
    ["CIFS", 0xff534d42],
    ["SMB2", 0xfe534d42],
    ["SMB", 0x517b],
    ["FUSE", 0x65735546],
    ["9p", 0x01021997],
    ["Ceph", 0x00c36400],
    ["Lustre", 0x0bd00bd3],
    ["AFS", 0x5346414f],
    ["Coda", 0x73757245],
    ["VirtualBox shared folder", 0x786f4256],
  ])("names %s", (name, type) => {
    expect(unsafeFileSystem("/anywhere", () => ({ type }))).toBe(name);
    // A 32-bit field that was read as a signed one.
    expect(unsafeFileSystem("/anywhere", () => ({ type: type | 0 }))).toBe(name);
  });

  it.each([
    ["ext4", 0xef53],
    ["xfs", 0x58465342],
    ["btrfs", 0x9123683e],
    ["zfs", 0x2fc12fc1],
    ["tmpfs", 0x01021994],
    ["overlayfs", 0x794c7630],
    ["f2fs", 0xf2f52010],
  ])("takes %s for a local one", (_name, type) => {
    expect(unsafeFileSystem("/anywhere", () => ({ type }))).toBeUndefined();
  });

  it("asks about the path that it was given", () => {
    const asked: string[] = [];
    unsafeFileSystem("/some/where", (path) => {
      asked.push(path);
      return { type: 0xef53 };
    });
    expect(asked).toEqual(["/some/where"]);
    expect(unsafeFileSystem(tmpdir())).toBeUndefined();
    expect(() => unsafeFileSystem("/no/such/place")).toThrow("ENOENT");
  });
});

describe("keepsFolderTimes()", () => {
  it.each([
    ["ext4", 0xef53, true],
    ["Btrfs", 0x9123683e | 0, true],
    ["tmpfs", 0x01021994, true],
    ["an overlay", 0x794c7630, false],
    ["FAT", 0x4d44, false],
    ["FUSE", 0x65735546, false],
    ["what nobody has heard of", 0x12345678, false],
  ])("of %s", (_name, type, keeps) => {
    expect(keepsFolderTimes("/anywhere", () => ({ type }))).toBe(keeps);
  });
});

describe("freeBytes()", () => {
  it("is what this account may still write there", (context) => {
    using disk = mountTmpfs(1024 * 1024, context);
    expect(freeBytes(disk.path)).toBe(1024 * 1024);
    expect(statfsSync(disk.path).blocks * statfsSync(disk.path).bsize).toBe(1024 * 1024);
  });
});
