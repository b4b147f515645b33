import { randomUUID } from "node:crypto";
import { entryPoint, WorkerPool } from "../../kernel/index.ts";
import { throwIfAborted } from "../../local-vault/index.ts";
import type { ComponentRoot } from "../tree/roots.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import { readEntries } from "../tree/tree-reader.ts";
import { Prover, type ProveJob, type ProvePlace } from "./prove-job.ts";

/** One job: contents of so many bytes, or packs. */
const JOB_BYTES = 16 * 1024 * 1024;
const JOB_ENTRIES = 2048;
const JOB_PACKS = 2;
/** What is not worth a thread. Bytes. */
const INLINE_BYTES = 8 * 1024 * 1024;

export interface Proof {
  readonly place: Omit<ProvePlace, "proof">;
  readonly roots: readonly ComponentRoot[];
  readonly source: MetaSource;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Reads every pack of a backup and every content of it, in two threads of which this one is the second. The entries themselves are compared with the manifest
 * by the caller.
 *
 * @throws DamageError BACKUP_DAMAGED · InterruptedError
 */
export async function proveContents({ place, roots, source, signal, onBytes }: Proof): Promise<void> {
  const { packs } = place;
  const here = new Prover();
  const pool = WorkerPool.of<ProveJob, void>(entryPoint(import.meta.url, "./prove-worker"), 1);
  const whole: ProvePlace = { ...place, proof: randomUUID() };
  const little = packs.reduce((sum, { length }) => sum + length, 0) < INLINE_BYTES;
  const under = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const send = async (job: ProveJob, bytes: number): Promise<void> => {
    throwIfAborted(signal);
    if (failure !== undefined) throw failure.error;
    if (little) {
      here.do(job);
      onBytes?.(bytes);
      return;
    }
    const done: Promise<void> = pool
      .share(job, (mine) => here.do(mine))
      .then(() => onBytes?.(bytes))
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => under.delete(done));
    under.add(done);
    if (under.size >= pool.width) await Promise.race(under);
  };
  try {
    for (let first = 0; first < packs.length; first += JOB_PACKS)
      await send({ kind: "packs", place: whole, packs: packs.slice(first, first + JOB_PACKS) }, 0);
    for (const { name, root } of roots) {
      for (const { entries, bytes } of batches(readEntries(source, root)))
        await send({ kind: "contents", place: whole, component: name, entries }, bytes);
    }
  } finally {
    await Promise.all(under);
    here.close();
    await pool.runOnEach({ kind: "end" }).catch(() => {});
  }
  if (failure !== undefined) throw failure.error;
}

/** Files with contents of their own. */
function* batches(entries: Iterable<TreeEntry>): Generator<{ readonly entries: readonly TreeEntry[]; readonly bytes: number }> {
  let batch: TreeEntry[] = [];
  let bytes = 0;
  for (const tree of entries) {
    if (tree.entry.type !== "file" || tree.entry.hard_link !== undefined) continue;
    batch.push(tree);
    bytes += tree.entry.size;
    if (bytes < JOB_BYTES && batch.length < JOB_ENTRIES) continue;
    yield { entries: batch, bytes };
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield { entries: batch, bytes };
}
