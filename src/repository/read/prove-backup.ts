import { randomUUID } from "node:crypto";
import { DamageError, throwIfAborted } from "../../kernel/index.ts";
import type { EntriesCheck } from "../../local-vault/index.ts";
import type { ReadBackOptions } from "../../vault/index.ts";
import type { PackTable } from "../manifest/pack-table.ts";
import type { ComponentRoot } from "../tree/roots.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import { StoredMap } from "../tree/stored-map.ts";
import { readEntries } from "../tree/tree-reader.ts";
import { proveDatabase } from "./prove-database.ts";
import type { ProvePlace } from "./prove-job.ts";
import { isLittle, PackProof } from "./prove-packs.ts";
import { smallContents } from "./small-contents.ts";
import { ProveThreads } from "./prove-threads.ts";
import type { ProvedBefore } from "./proved-before.ts";

/** One job: contents of so many bytes. */
const JOB_BYTES = 16 * 1024 * 1024;
const JOB_ENTRIES = 2048;

export interface Proof extends ReadBackOptions {
  readonly place: Omit<ProvePlace, "proof" | "table">;
  readonly packs: PackTable;
  readonly roots: readonly ComponentRoot[];
  readonly source: MetaSource;
  readonly before: ProvedBefore;
  /** Compares the entries themselves with the manifest. */
  readonly check: EntriesCheck;
}

/**
 * Reads every content of a backup, and then what of its packs no content has asked for, but for what was read before. No byte of a pack can change
 * without one of its seals, so that it need not be read a second time to be held to its name. All its packs are looked at, also when one of them is damaged.
 *
 * @throws DamageError BACKUP_DAMAGED · InterruptedError
 */
export async function proveContents({ place, packs: table, roots, source, before, check, signal, onBytes }: Proof): Promise<void> {
  const whole: ProvePlace = { ...place, table: table.encode(), proof: randomUUID() };
  await using threads = new ProveThreads(isLittle(table.entries), signal);
  const packs = new PackProof(whole, table.entries, before, threads);
  let damage: DamageError | undefined;
  try {
    for (const { name, root } of roots) await proveTree({ place: whole, source, before, check, onBytes }, { name, root }, threads);
    check.end();
    await threads.settle();
  } catch (error) {
    await threads.goOn();
    if (error instanceof DamageError) damage = error;
    else {
      if (signal?.aborted === true) await packs.noteWhole();
      throw error;
    }
  }
  try {
    await packs.readRest();
  } catch (error) {
    // Whoever interrupts is told of the damage all the same.
    throw damage ?? error;
  }
  // What is wrong with a pack says more than what is wrong with the first content in it.
  packs.throwDamaged();
  if (damage !== undefined) throw damage;
  throwIfAborted(signal);
}

async function proveTree(
  {
    place,
    source,
    before,
    check,
    onBytes,
  }: Pick<Proof, "source" | "before" | "check"> & {
    readonly place: ProvePlace;
    readonly onBytes: ReadBackOptions["onBytes"] | undefined;
  },
  { name, root }: ComponentRoot,
  threads: ProveThreads,
): Promise<void> {
  const all = readEntries(source, root).map((tree) => {
    check.add({ component: name, ...tree.entry });
    return tree;
  });
  for (const { entries, bytes } of batches(all, before)) {
    const [only] = entries;
    if (only?.content.kind === "pages" && isLarge(only)) {
      const { map } = only.content;
      const database = { component: name, entry: only.entry, pages: map.pages, places: new StoredMap(source, map) };
      await proveDatabase(threads, place, database, onBytes);
      before.add(entries);
      continue;
    }
    const small = smallContents(entries.filter(({ content }) => content.kind === "place"));
    const others = entries.filter(({ content }) => content.kind !== "place");
    // What lives until a thread has answered is old by then, and of a large tree hundreds of megabytes would be.
    const remembered = before.remember ? entries : [];
    await threads.send({ kind: "contents", place, component: name, small, entries: others }, () => {
      before.add(remembered);
      onBytes?.(bytes);
    });
  }
}

function isLarge({ entry }: TreeEntry): boolean {
  return entry.size >= JOB_BYTES;
}

/** Files with contents of their own; a large database is alone. */
function* batches(
  entries: Iterable<TreeEntry>,
  before: ProvedBefore,
): Generator<{ readonly entries: readonly TreeEntry[]; readonly bytes: number }> {
  let batch: TreeEntry[] = [];
  let bytes = 0;
  for (const tree of entries) {
    if (tree.entry.type !== "file" || tree.entry.hard_link !== undefined || before.holds(tree)) continue;
    if (tree.content.kind === "pages" && isLarge(tree)) {
      yield { entries: [tree], bytes: tree.entry.size };
      continue;
    }
    batch.push(tree);
    bytes += tree.entry.size;
    if (bytes < JOB_BYTES && batch.length < JOB_ENTRIES) continue;
    yield { entries: batch, bytes };
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield { entries: batch, bytes };
}
