import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { EntryHead, Reading, ReadingEntry } from "../../src/vault/index.ts";

/** A real folder as a reading, in the simplest way: everything live, hard links by device and inode. */
export function liveReading(
  root: string,
  options: { readonly before?: (path: string) => void; readonly head?: (head: EntryHead) => EntryHead } = {},
): Reading {
  async function* entries(): AsyncGenerator<ReadingEntry> {
    const seen = new Map<string, string>();
    yield* visit(".", seen);
    await Promise.resolve();
  }
  async function* visit(path: string, seen: Map<string, string>): AsyncGenerator<ReadingEntry> {
    options.before?.(path);
    const absolute = join(root, path);
    const stats = lstatSync(absolute, { bigint: true });
    const type = stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "symlink" : "file";
    const plain: EntryHead = {
      path,
      type,
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtime_ns: stats.mtimeNs.toString(),
      size: type === "file" ? Number(stats.size) : 0,
      ...(type === "file" && stats.size > 4096n && stats.blocks * 512n < stats.size ? { sparse: true } : {}),
    };
    const head = options.head?.(plain) ?? plain;
    if (type === "symlink") yield { head: { ...head, target: readlinkSync(absolute) }, content: { kind: "none" } };
    else if (type === "directory") {
      yield { head, content: { kind: "none" } };
      for (const name of readdirSync(absolute).toSorted()) yield* visit(path === "." ? name : `${path}/${name}`, seen);
    } else {
      const key = `${stats.dev}:${stats.ino}`;
      const first = seen.get(key);
      if (first !== undefined) {
        const { sparse: _, ...rest } = head;
        yield { head: { ...rest, size: 0, hard_link: first }, content: { kind: "none" } };
        return;
      }
      if (stats.nlink > 1n) seen.set(key, path);
      const span = { kind: "file", path: absolute, device: stats.dev, inode: stats.ino, offset: 0, length: Number(stats.size) } as const;
      yield { head, content: { kind: "live", span, mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs, appending: false } };
    }
  }
  return {
    entries,
    confirm: () => Promise.resolve(),
    report: () => ({ source: "tree", resolved_path: root, suspect: false, omissions: [], warnings: [] }),
    close: () => Promise.resolve(),
  };
}
