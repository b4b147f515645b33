import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";

/** What lies at the path of a small file; a reason instead of bytes when it cannot be one. */
export type SmallFile = { readonly bytes: Buffer; readonly stats: Stats } | { readonly problem: string };

/**
 * Reads a file that must be small, whoever wrote it: a FIFO does not hang the caller, and an endless file fills no
 * memory. The descriptor that was asked for its permissions is the one that is read.
 *
 * @throws the system's error
 */
export function readSmallFile(path: string, limit: number): SmallFile {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { problem: "is not a file" };
    if (stats.size > limit) return { problem: `has more than ${limit} bytes` };
    const bytes = Buffer.alloc(stats.size + 1);
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
      if (read === 0) break;
      filled += read;
    }
    if (filled > stats.size) return { problem: "grew while it was read" };
    return { bytes: bytes.subarray(0, filled), stats };
  } finally {
    closeSync(descriptor);
  }
}
