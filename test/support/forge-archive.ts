import { writeFileSync } from "node:fs";
import { encodeMember, MEMBER_LIMIT } from "../../src/archive/targz/gzip-member.ts";
import { encodeTarEntry, padded, TAR_BLOCK, type TarEntry } from "../../src/archive/targz/tar-entry.ts";
import { EntryChecksum, formatEntry, type Entry, type Manifest } from "../../src/vault/index.ts";

/** What a forger decides; everything left out is as it should be. */
export interface Forgery {
  readonly entries: readonly Entry[];
  readonly contents?: Readonly<Record<string, string>>;
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Lines instead of those of the entries. */
  readonly lines?: readonly string[];
  /** Changes the tar entries of the contents. */
  readonly tar?: (tar: { header: TarEntry; content: string }[]) => readonly { header: TarEntry; content: string; raw?: Buffer }[];
  /** Changes a header block that was encoded. */
  readonly patch?: (header: Buffer, path: string) => Buffer;
  readonly tail?: Buffer;
}

const FILE: Omit<TarEntry, "path" | "size"> = { type: "File", mode: 0o600, uid: 0, gid: 0, user: "", group: "", mtimeNs: 0n, target: "" };

export function entryOf(path: string, rest: Partial<Entry> = {}): Entry {
  return { component: "memory", path, type: "file", mode: 0o644, uid: 1000, gid: 1000, mtime_ns: "1700000000000000000", size: 0, ...rest };
}

/** An archive in which all checksums fit, whatever it holds: only what it means can give it away. */
export function forgeArchive(file: string, forgery: Forgery): Manifest {
  const { entries, contents = {} } = forgery;
  const checksum = new EntryChecksum();
  for (const entry of entries) checksum.add(entry.component, entry);
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const manifest = {
    version: "1",
    holdfast_version: "0.1.0",
    id: "2026-03-15T14-30-00_manual",
    instance: "elsewhere",
    vault: "another-vault",
    sequence: 7,
    previous: { sequence: 6, sha256: "0".repeat(64) },
    timestamp: "2026-03-15T14:30:00Z",
    finished_at: "2026-03-15T14:30:01Z",
    trigger: "manual",
    tags: [],
    components: ["memory"],
    not_captured: {},
    db_schema_version: null,
    size_bytes: bytes,
    stored_bytes: 1,
    checksum: checksum.value(),
    component_details: {
      memory: {
        source: "tree",
        resolved_path: null,
        suspect: false,
        omissions: [],
        warnings: [],
        stored_as: "memory",
        bytes,
        entries: entries.length,
        whole: true,
        importance: "high",
        changed: [],
      },
    },
    runtime: null,
    host: "forger",
    features: { read: [], write: [] },
    ...forgery.manifest,
  };
  const document = Buffer.from(JSON.stringify(manifest));
  const lines = Buffer.from((forgery.lines ?? entries.map(formatEntry)).join(""));
  const tar = entries.map((entry) => ({ header: headerOf(entry), content: contents[entry.path] ?? "" }));
  const body = Buffer.concat([
    ...(forgery.tar?.(tar) ?? tar).map(({ header, content }) => {
      const block = encodeTarEntry(header);
      return Buffer.concat([forgery.patch?.(block, header.path) ?? block, pad(Buffer.from(content))]);
    }),
    Buffer.alloc(TAR_BLOCK * 2),
  ]);
  writeFileSync(
    file,
    Buffer.concat([
      ...members(Buffer.concat([encodeTarEntry({ ...FILE, path: "manifest.json", size: document.length }), pad(document)])),
      ...members(Buffer.concat([encodeTarEntry({ ...FILE, path: "entries.jsonl", size: lines.length }), pad(lines)])),
      ...members(body),
      forgery.tail ?? Buffer.alloc(0),
    ]),
  );
  return manifest as unknown as Manifest;
}

function headerOf(entry: Entry): TarEntry {
  return {
    path: entry.path === "." ? "memory" : `memory/${entry.path}`,
    type:
      entry.hard_link !== undefined
        ? "Link"
        : entry.type === "directory"
          ? "Directory"
          : entry.type === "symlink"
            ? "SymbolicLink"
            : "File",
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    user: entry.user ?? "",
    group: entry.group ?? "",
    mtimeNs: BigInt(entry.mtime_ns),
    size: entry.size,
    target: entry.hard_link === undefined ? (entry.target ?? "") : `memory/${entry.hard_link}`,
  };
}

function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]);
}

function members(bytes: Buffer): Buffer[] {
  const result: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; offset += MEMBER_LIMIT)
    result.push(encodeMember(bytes.subarray(offset, offset + MEMBER_LIMIT)));
  return result;
}
