import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Mount {
  readonly point: string;
  /** "ext4" */
  readonly type: string;
  readonly readOnly: boolean;
}

/** A path itself, or the nearest folder above it that is there. */
export function nearestThere(path: string): string {
  let there = path;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  return realpathSync(there);
}

/**
 * What is mounted where a path lies, or would lie.
 *
 * Source: proc_pid_mountinfo(5): field 5 is the mount point, 6 its options, the first after "-" the type.
 */
export function mountOf(path: string, text: string = readFileSync("/proc/self/mountinfo", "utf8")): Mount | undefined {
  const place = nearestThere(path);
  let best: Mount | undefined;
  for (const line of text.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const fields = before.split(" ");
    const point = (fields[4] ?? "").replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    if (point === "" || !(place === point || place.startsWith(point === "/" ? point : `${point}/`))) continue;
    // Of two on one point the later covers the earlier.
    if (best !== undefined && point.length < best.point.length) continue;
    const options = [...(fields[5] ?? "").split(","), ...(after.split(" ")[2] ?? "").split(",")];
    best = { point, type: after.split(" ")[0] ?? "", readOnly: options.includes("ro") };
  }
  return best;
}

/** The disk that a path lies on, by its kernel name, as far as the kernel says: two partitions of one disk die together. */
export function diskOf(path: string): string {
  const device = statSync(nearestThere(path)).dev;
  // makedev(3) of glibc, as it stands in st_dev.
  const major = ((device >>> 8) & 0xfff) + Math.floor(device / 2 ** 32) * 4096;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  const block = `/sys/dev/block/${major}:${minor}`;
  if (!existsSync(block)) return `${major}:${minor}`;
  const real = realpathSync(block);
  return existsSync(join(real, "partition")) ? dirname(real) : real;
}
