import { readFileSync } from "node:fs";

export interface FileLock {
  /** null: in a process namespace that is not ours. */
  readonly pid: number | null;
  /** "device:inode", the device as stat(2) gives it. */
  readonly key: string;
}

/**
 * Locks of all processes, those of other users too.
 *
 * Source: proc_locks(5): `1: POSIX  ADVISORY  READ 4711 fd:00:131 128 128`, device in hexadecimal as major:minor.
 *
 * @returns undefined where the kernel does not tell
 */
export function lockedFiles(proc: string): readonly FileLock[] | undefined {
  let text: string;
  try {
    text = readFileSync(`${proc}/locks`, "utf8");
  } catch {
    return undefined;
  }
  return text.split("\n").flatMap((line) => {
    const match = /^\d+: (?:-> )?(?:POSIX|OFDLCK|FLOCK)\s+\S+\s+\S+\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /.exec(line);
    if (match === null) return [];
    const [, pid, major = "", minor = "", inode = ""] = match;
    const device = deviceNumber(Number.parseInt(major, 16), Number.parseInt(minor, 16));
    return [{ pid: Number(pid) > 0 ? Number(pid) : null, key: `${device}:${inode}` }];
  });
}

/** As makedev(3) of the GNU C library packs it. */
function deviceNumber(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn);
}
