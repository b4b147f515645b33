import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { layKeys, TEST_VAULT } from "../../src/repository/keys/test-keys.ts";
import { writeBackupFile } from "../../src/repository/manifest/backup-file.ts";
import { PackTable } from "../../src/repository/manifest/pack-table.ts";
import { encodeIndex } from "../../src/repository/tree/index-block.ts";
import { hashOf } from "../../src/repository/tree/reference.ts";
import { encodeRoots, type TreeRoot } from "../../src/repository/tree/roots.ts";
import { encodeRun } from "../../src/repository/tree/run-codec.ts";
import type { EntryFacts, StoredEntry } from "../../src/repository/tree/tree-entry.ts";
import { EntryChecksum } from "../../src/vault/index.ts";
import { writePack } from "./sample-pack.ts";

/** An entry of which every field can be anything. */
export type ForgedEntry = Pick<EntryFacts, "path"> & Partial<EntryFacts> & { readonly text?: string };

export interface ForgeOptions {
  readonly storedAs?: string;
  /** The tree has an index above its runs. */
  readonly indexed?: boolean;
  /** Changes what is sealed, before it is. */
  readonly mutate?: (bytes: Buffer, what: "manifest" | "packs" | "roots" | "run" | "index") => Buffer;
}

export const FORGED_ID = "2026-03-15T14-30-00_manual";

/**
 * A vault without encryption that agrees with itself, and whose entries nobody has looked at: what somebody can make who
 * may write to a vault.
 */
export function forgeRepository(
  path: string,
  forged: readonly ForgedEntry[],
  { storedAs = "memory", indexed = false, mutate = (bytes) => bytes }: ForgeOptions = {},
): void {
  for (const folder of ["marks", "records", "trash"]) mkdirSync(join(path, ".vault", folder), { recursive: true });
  const identity = { format: 2, form: "repository", id: TEST_VAULT, instance: "forged", created_at: "2026-03-15T14:30:00Z" };
  writeFileSync(join(path, ".vault", "vault.json"), JSON.stringify(identity));
  const key = layKeys(path, [{ kind: "none" }]);
  const contents = Buffer.from(forged.map(({ text = "" }) => text).join("") || "nothing");
  const data = writePack(path, [{ raw: contents }], key);
  const checksum = new EntryChecksum();
  let offset = 0;
  const entries = forged.map(({ text = "", ...facts }): StoredEntry => {
    const entry: EntryFacts = {
      type: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime_ns: "0",
      size: text.length,
      ...shaOf(facts, text),
      ...facts,
    };
    checksum.add("memory", entry);
    const place = { pack: data.id, frame: 0, offset, length: text.length };
    offset += text.length;
    return { entry, content: text === "" ? { kind: "none" } : { kind: "place", place } };
  });
  const run = mutate(encodeRun(entries), "run");
  const meta = writePack(path, [{ raw: run, kind: "meta" }], key);
  const place = { pack: meta.id, frame: 0, offset: 0, length: run.length };
  const reference = { place, hash: hashOf(run), entries: entries.length };
  const index = mutate(encodeIndex([reference]), "index");
  const above = writePack(path, [{ raw: index, kind: "meta" }], key);
  const top = { ...reference, place: { pack: above.id, frame: 0, offset: 0, length: index.length }, hash: hashOf(index) };
  const details = { source: "tree", resolved_path: null, stored_as: storedAs, bytes: offset, entries: entries.length, whole: true };
  const manifest = {
    version: "1",
    holdfast_version: "0.0.0",
    id: FORGED_ID,
    instance: "forged",
    vault: TEST_VAULT,
    sequence: 1,
    previous: null,
    timestamp: "2026-03-15T14:30:00Z",
    finished_at: "2026-03-15T14:30:00Z",
    trigger: "manual",
    tags: [],
    components: ["memory"],
    not_captured: {},
    db_schema_version: null,
    size_bytes: offset,
    stored_bytes: 0,
    checksum: checksum.value(),
    component_details: { memory: { ...details, importance: "high", suspect: false, changed: [], omissions: [], warnings: [] } },
    runtime: null,
    host: "forged",
    features: { read: [], write: [] },
  };
  const table = PackTable.of(
    [data, meta, ...(indexed ? [above] : [])].map(({ id, name, length, rawData }) => ({ id, name, length, raw: rawData, used: rawData })),
  );
  const root: TreeRoot = indexed ? { level: 1, references: [top] } : { level: 0, references: [reference] };
  const packs = { encode: () => mutate(table.encode(), "packs") } as PackTable;
  const roots = mutate(encodeRoots([{ name: "memory", root }]), "roots");
  writeBackupFile(join(path, `${FORGED_ID}.backup`), key, {
    manifest: mutate(Buffer.from(JSON.stringify(manifest)), "manifest"),
    packs,
    roots,
  });
}

function shaOf({ type = "file", hard_link }: Partial<EntryFacts>, text: string): Partial<EntryFacts> {
  return type === "file" && hard_link === undefined ? { sha256: createHash("sha256").update(text).digest("hex") } : {};
}
