import { randomUUID } from "node:crypto";
import { DamageError, throwIfAborted } from "../../kernel/index.ts";
import type { EntriesCheck } from "../../local-vault/index.ts";
import type { ReadBackOptions } from "../../vault/index.ts";
import { PackTable, type TableEntry } from "../manifest/pack-table.ts";
import type { ComponentRoot } from "../tree/roots.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import { StoredMap } from "../tree/stored-map.ts";
import { readEntries } from "../tree/tree-reader.ts";
import { proveDatabase } from "./prove-database.ts";
import type { PartlyRead, ProveAnswer, ProvePlace } from "./prove-job.ts";
import { smallContents } from "./small-contents.ts";
import { ProveThreads } from "./prove-threads.ts";
import type { ProvedBefore } from "./proved-before.ts";

/** One job: contents of so many bytes, or packs. */
const JOB_BYTES = 16 * 1024 * 1024;
const JOB_ENTRIES = 2048;
const JOB_PACKS = 2;
/** The same of which most was read. */
const JOB_RESTS = 4;
/** What is not worth a thread. Bytes. */
const INLINE_BYTES = 8 * 1024 * 1024;

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
  const { entries: packs } = table;
  const whole: ProvePlace = { ...place, table: table.encode(), proof: randomUUID() };
  await using threads = new ProveThreads(isLittle(packs), signal);
  let damage: DamageError | undefined;
  try {
    for (const { name, root } of roots) await proveTree({ place: whole, source, before, check, onBytes }, { name, root }, threads);
    check.end();
    await threads.settle();
  } catch (error) {
    await threads.goOn();
    if (error instanceof DamageError) damage = error;
    else {
      if (signal?.aborted === true) await noteWhole(whole, packs, before, threads);
      throw error;
    }
  }
  try {
    await proveRest(whole, packs, before, threads);
  } catch (error) {
    // Whoever interrupts is told of the damage all the same.
    throw damage ?? error;
  }
  // What is wrong with a pack says more than what is wrong with the first content in it.
  throwDamaged(packs, before);
  if (damage !== undefined) throw damage;
  throwIfAborted(signal);
}

async function proveRest(place: ProvePlace, packs: readonly TableEntry[], before: ProvedBefore, threads: ProveThreads): Promise<void> {
  const partly = await partlyRead(place, packs, before, threads);
  for (let first = 0; first < partly.length; first += JOB_RESTS) {
    const these = partly.slice(first, first + JOB_RESTS);
    await threads.send({ kind: "rest", place, packs: these, readsOn: true }, (answer) => noteRest(before, these, answer));
  }
  await threads.settle();
}

/** Somebody has interrupted: what was read whole by then has its verdict. */
async function noteWhole(place: ProvePlace, packs: readonly TableEntry[], before: ProvedBefore, threads: ProveThreads): Promise<void> {
  const begun = (await partlyRead(place, packs, before, threads)).filter(({ read }) => read.length > 0);
  noteRest(before, begun, threads.here({ kind: "rest", place, packs: begun, readsOn: false }));
}

async function partlyRead(
  place: ProvePlace,
  packs: readonly TableEntry[],
  before: ProvedBefore,
  threads: ProveThreads,
): Promise<readonly PartlyRead[]> {
  const answers = await threads.ask({ kind: "frames", place });
  return packs
    .filter(({ name }) => !before.packs.has(name))
    .map((pack) => ({ pack, read: Uint32Array.from(answers.flatMap(({ frames }) => [...(frames?.get(pack.id) ?? [])])) }));
}

function noteRest(before: ProvedBefore, packs: readonly PartlyRead[], { damaged, unread = [] }: ProveAnswer): void {
  const looked = packs.filter(({ pack }) => !unread.includes(pack.name)).map(({ pack }) => pack);
  note(before, looked, damaged);
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
    await threads.send({ kind: "contents", place, component: name, small, entries: others }, () => {
      before.add(entries);
      onBytes?.(bytes);
    });
  }
}

/** Reads packs back whole and opens every frame of them; what was found is told to `before`. */
export async function provePacks(
  place: Pick<ProvePlace, "folder" | "epochs">,
  packs: readonly TableEntry[],
  before: ProvedBefore,
  { signal, onBytes }: ReadBackOptions,
): Promise<void> {
  const whole: ProvePlace = { ...place, table: PackTable.of([]).encode(), proof: randomUUID() };
  await using threads = new ProveThreads(isLittle(packs), signal);
  for (let first = 0; first < packs.length; first += JOB_PACKS) {
    const these = packs.slice(first, first + JOB_PACKS);
    await threads.send({ kind: "packs", place: whole, packs: these }, ({ damaged }) => {
      note(before, these, damaged);
      onBytes?.(these.reduce((sum, { length }) => sum + length, 0));
    });
  }
  await threads.settle();
}

function isLittle(packs: readonly TableEntry[]): boolean {
  return packs.reduce((sum, { length }) => sum + length, 0) < INLINE_BYTES;
}

function note(before: ProvedBefore, packs: readonly TableEntry[], damaged: ProveAnswer["damaged"] = []): void {
  for (const { name } of packs) before.found(name, damaged.find((one) => one.name === name)?.problem ?? null);
}

function throwDamaged(packs: readonly TableEntry[], before: ProvedBefore): void {
  const damaged = packs.flatMap(({ name }) => {
    const problem = before.packs.get(name)?.problem ?? null;
    return problem === null ? [] : [{ name, problem }];
  });
  if (damaged[0] === undefined) return;
  const [{ name, problem }] = damaged;
  throw new DamageError("BACKUP_DAMAGED", damaged.length === 1 ? problem : `${problem}; and ${damaged.length - 1} more`, {
    hint: "Use another backup, or bring the pack back from a copy of the vault",
    details: { pack: name },
  });
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
