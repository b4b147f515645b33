import { InternalError } from "../../kernel/index.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { readEntry, writeEntry } from "./entry-codec.ts";
import { KINDS, PackNumbers, readKind, readPacks } from "./place.ts";
import type { EntryFacts, StoredEntry } from "./tree-entry.ts";

/** Entries of one run, at most. */
export const RUN_LIMIT = 64;
/** Path with its shared part, flags, mode, size and time. */
const SMALLEST_ENTRY = 13;

/** The bytes of a run (docs/repository-format.md, "Runs"). Equal entries in equal places give equal bytes. */
export function encodeRun(entries: readonly StoredEntry[]): Buffer {
  if (entries.length < 1 || entries.length > RUN_LIMIT) throw new InternalError(`Cannot store a run of ${entries.length} entries`);
  const packs = new PackNumbers();
  const body = new ByteWriter(4096);
  let before: EntryFacts | undefined;
  for (const entry of entries) {
    writeEntry(body, entry, before, packs);
    before = entry.entry;
  }
  const run = new ByteWriter(body.length + 256).u8(KINDS.run).varint(entries.length);
  packs.write(run);
  return run.bytes(body.view()).toBytes();
}

/**
 * The entries of a run. What a single entry says of itself is checked; whether its path may be written below a folder of
 * ours, and the order of the entries, is for those who see the whole tree (EntrySafety).
 *
 * @throws DamageError BACKUP_DAMAGED
 */
export function decodeRun(bytes: Uint8Array): readonly StoredEntry[] {
  const reader = new ByteReader(bytes, "a run of entries");
  readKind(reader, KINDS.run);
  const count = reader.count("the number of entries", SMALLEST_ENTRY);
  if (count < 1 || count > RUN_LIMIT) throw reader.refuse(`it has ${count} entries`);
  const packs = readPacks(reader);
  const entries: StoredEntry[] = [];
  let before: EntryFacts | undefined;
  for (let number = 0; number < count; number++) {
    const entry = readEntry(reader, before, packs);
    entries.push(entry);
    before = entry.entry;
  }
  reader.end();
  return entries;
}
