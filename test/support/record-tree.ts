import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** What a restore has to give back of one thing in a tree. */
export interface TreeRecord {
  readonly type: "file" | "directory" | "symlink";
  /** Octal permission bits; a link has none of its own. */
  readonly mode: string;
  readonly owner: string;
  readonly size: number;
  readonly sha256: string;
  readonly target: string;
  /** The first name, in the order of their bytes, of the file that this is a name of. */
  readonly sameAs: string;
}

export interface TreeFacts {
  readonly records: Readonly<Record<string, TreeRecord>>;
  /** Nanoseconds. */
  readonly times: Readonly<Record<string, bigint>>;
  /** Bytes that each file occupies. */
  readonly occupied: Readonly<Record<string, number>>;
  /** Names that no record is made of: pipes, sockets, and names that are not UTF-8, shown with replacement characters. */
  readonly others: readonly string[];
}

/** Everything below a folder that a backup keeps, the folder itself included. */
export function recordTree(root: string): TreeFacts {
  const records: Record<string, TreeRecord> = {};
  const times: Record<string, bigint> = {};
  const occupied: Record<string, number> = {};
  const others: string[] = [];
  const firsts = new Map<string, string>();
  const visit = (path: string): void => {
    const absolute = join(root, path);
    const stats = lstatSync(absolute, { bigint: true });
    const type = stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "symlink" : stats.isFile() ? "file" : undefined;
    if (type === undefined) {
      others.push(path);
      return;
    }
    const key = `${stats.dev}:${stats.ino}`;
    if (type === "file" && !firsts.has(key)) firsts.set(key, path);
    times[path] = stats.mtimeNs;
    if (type === "file") occupied[path] = Number(stats.blocks) * 512;
    records[path] = {
      type,
      mode: type === "symlink" ? "" : (Number(stats.mode) & 0o7777).toString(8),
      owner: `${stats.uid}:${stats.gid}`,
      size: type === "file" ? Number(stats.size) : 0,
      sha256: type === "file" ? createHash("sha256").update(readFileSync(absolute)).digest("hex") : "",
      target: type === "symlink" ? readlinkSync(absolute) : "",
      sameAs: type === "file" ? (firsts.get(key) ?? path) : path,
    };
    if (type !== "directory") return;
    for (const bytes of readdirSync(absolute, { encoding: "buffer" }).toSorted(Buffer.compare)) {
      const name = bytes.toString("utf8");
      const below = path === "." ? name : `${path}/${name}`;
      if (Buffer.from(name).equals(bytes)) visit(below);
      else others.push(below);
    }
  };
  visit(".");
  return { records, times, occupied, others };
}

/** Everything of which the time differs by more than a microsecond. */
export function timeDifferences(before: TreeFacts, after: TreeFacts, ofLinks = true): string[] {
  return Object.entries(before.times).flatMap(([path, time]) => {
    if (!ofLinks && before.records[path]?.type === "symlink") return [];
    const other = after.times[path] ?? 0n;
    const difference = other > time ? other - time : time - other;
    return difference <= 1000n ? [] : [`${JSON.stringify(path)}: ${time} and ${other}`];
  });
}
