import { statfsSync } from "node:fs";

/** Magic numbers of statfs(2) for file systems whose locks and renames cannot be relied on. */
const UNSAFE: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xfe534d42: "SMB2",
  0xff534d42: "CIFS",
  0x65735546: "FUSE",
  0x01021997: "9p",
  0x00c36400: "Ceph",
  0x0bd00bd3: "Lustre",
  0x5346414f: "AFS",
  0x73757245: "Coda",
  0x786f4256: "VirtualBox shared folder",
};

/** Of file systems of which every folder, their own included, has another time of change once a name in it came or went. */
const KEEPING_TIMES: ReadonlySet<number> = new Set([
  // ext2, ext3, ext4
  0xef53,
  // XFS
  0x58465342,
  // Btrfs
  0x9123683e,
  // tmpfs
  0x01021994,
  // ZFS
  0x2fc12fc1,
  // F2FS
  0xf2f52010,
]);

/**
 * Whether folders there can be believed by their times alone. Others are not: the root of a FAT never changes its times, and that of an overlay
 * is the same over another lower layer.
 */
export function keepsFolderTimes(path: string, statfs: (path: string) => { type: number } = statfsSync): boolean {
  return KEEPING_TIMES.has(statfs(path).type >>> 0);
}

/** The name of the network or FUSE file system that holds a path, or undefined when it is a local one. */
export function unsafeFileSystem(path: string, statfs: (path: string) => { type: number } = statfsSync): string | undefined {
  return UNSAFE[statfs(path).type >>> 0];
}

/** Bytes that this account may still write on the file system of a path. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
