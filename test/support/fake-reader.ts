import { createHash } from "node:crypto";
import { DamageError } from "../../src/kernel/index.ts";
import type { BackupReader, Entry, OpenedEntry } from "../../src/vault/index.ts";
import { backupHead, type ComponentSpec } from "./backup-head.ts";

export interface FakeEntry extends Partial<Omit<Entry, "component" | "path">> {
  readonly content?: string | Buffer;
  /** Contents are given in pieces of so many bytes; all at once unless told. */
  readonly piece?: number;
  /** Reading the content fails at its end, as a damaged one does. */
  readonly damaged?: boolean;
}

/** A backup that was never stored, at the BackupReader port: components with their kinds, and entries in stored order by `component/path`. */
export function fakeReader(
  components: Readonly<Record<string, ComponentSpec>>,
  entries: readonly (readonly [place: string, entry?: FakeEntry])[],
): BackupReader & { readonly opened: readonly string[] } {
  const opened: string[] = [];
  const made = entries.map(([place, fake = {}]) => ({ entry: entryOf(place, fake), fake }));
  return {
    head: backupHead({ components }),
    opened,
    async *entries() {
      for (const { entry } of made) yield entry;
    },
    async *read({ select = () => true, signal, onBytes } = {}) {
      for (const { entry, fake } of made) {
        signal?.throwIfAborted();
        if (!select(entry)) continue;
        const bytes = Buffer.from(fake.content ?? "");
        const item: OpenedEntry =
          entry.type === "file" && entry.hard_link === undefined
            ? { entry, content: pieces(entry, bytes, fake, opened, onBytes) }
            : { entry };
        yield item;
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function* pieces(
  entry: Entry,
  bytes: Buffer,
  { piece = bytes.length || 1, damaged = false }: FakeEntry,
  opened: string[],
  onBytes?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  opened.push(`${entry.component}/${entry.path}`);
  for (let offset = 0; offset < bytes.length; offset += piece) {
    const part = bytes.subarray(offset, offset + piece);
    onBytes?.(part.length);
    yield part;
  }
  if (damaged) throw new DamageError("BACKUP_DAMAGED", `"${entry.path}" does not read back`);
}

function entryOf(place: string, { content, piece: _piece, damaged: _damaged, ...fields }: FakeEntry): Entry {
  const slash = place.indexOf("/");
  const type = fields.type ?? (content === undefined && fields.hard_link === undefined ? "directory" : "file");
  const bytes = Buffer.from(content ?? "");
  return {
    component: slash === -1 ? place : place.slice(0, slash),
    path: slash === -1 ? "." : place.slice(slash + 1),
    type,
    mode: type === "directory" ? 0o755 : 0o644,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtime_ns: "1773585000123456789",
    size: bytes.length,
    ...(type === "file" ? { sha256: createHash("sha256").update(bytes).digest("hex") } : {}),
    ...fields,
  };
}
