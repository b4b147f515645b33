import { ContentCheck, type Entry } from "../../vault/index.ts";
import { damagedAt, type ProvePlace } from "./prove-job.ts";
import type { PagePlaces } from "../tree/resolved-map.ts";
import type { ProveThreads } from "./prove-threads.ts";

/** Pages that are read in one piece. Bytes. */
const RANGE_BYTES = 2 * 1024 * 1024;
/** Ranges that are read and wait for one in front of them. */
const WAITING = 2;

export interface DatabaseToProve {
  readonly component: string;
  readonly entry: Omit<Entry, "component">;
  readonly pages: number;
  readonly places: PagePlaces;
}

/**
 * Compares a large database with its hash. Threads read its pages side by side; the hash, which goes from the first byte to the
 * last, is made here as ranges come in.
 *
 * @throws DamageError BACKUP_DAMAGED · InterruptedError
 */
export async function proveDatabase(
  threads: ProveThreads,
  place: ProvePlace,
  { component, entry, pages, places }: DatabaseToProve,
  onBytes: ((bytes: number) => void) | undefined,
): Promise<void> {
  const { pageSize } = places;
  const { path, size } = entry;
  if (pages * pageSize !== size) throw damagedAt(component, path);
  const check = new ContentCheck(entry);
  const free = Array.from({ length: threads.width + WAITING }, () => new Uint8Array(new SharedArrayBuffer(RANGE_BYTES)));
  // One may be ready before the one in front of it.
  const ready = new Map<number, { readonly memory: Uint8Array<SharedArrayBuffer>; readonly bytes: number }>();
  let hashed = 0;
  const hashReady = (): void => {
    for (let range = ready.get(hashed); range !== undefined; range = ready.get(hashed)) {
      check.update(range.memory.subarray(0, range.bytes));
      onBytes?.(range.bytes);
      free.push(range.memory);
      ready.delete(hashed++);
    }
  };
  const step = RANGE_BYTES / pageSize;
  const isUnread = (): boolean => hashed * step < pages;
  for (let number = 0; number * step < pages; number += 1) {
    let memory = free.pop();
    for (; memory === undefined; memory = free.pop()) await threads.oneDone();
    const into = memory;
    const [from, to] = [number * step, Math.min((number + 1) * step, pages)];
    const extents = [...places.extents(from, to)];
    await threads.send({ kind: "pages", place, pageSize, from, extents, into }, () => {
      ready.set(number, { memory: into, bytes: (to - from) * pageSize });
      hashReady();
    });
  }
  while (isUnread()) await threads.oneDone();
  if (!check.holds()) throw damagedAt(component, path);
}
