import { randomUUID } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CaptureError, InternalError, lstatAt, throwIfAborted } from "../../kernel/index.ts";
import {
  pathProblem,
  storedPath,
  type Change,
  type Content,
  type Entry,
  type Omission,
  type ReadableContent,
  type ReadingEntry,
  type StoredComponent,
  type StoreRequest,
  type UntouchedEntries,
} from "../../vault/index.ts";
import type { Body, BodyItem, BodyResult, EntryList } from "./body.ts";
import { Waiting } from "./waiting.ts";
import { LinkGroups } from "./link-groups.ts";
import { from, joined, NOTHING } from "./untouched-front.ts";
import { withFacts } from "./with-facts.ts";

export interface StorePlace<K, M> {
  readonly body: Pick<Body<K>, "component">;
  readonly entries: EntryList<K, M>;
  /** Where a stream of unknown length is kept until its length is known. */
  readonly staging: string;
}

/** Of a path that is too long to be stored, so much is listed. Characters. */
const PATH_SHOWN = 1000;

/** Stores one reading: all of it with its confirm(), or nothing. */
export async function storeReading<K, M>(request: StoreRequest, { body, entries, staging }: StorePlace<K, M>): Promise<StoredComponent> {
  const { component, storedAs, reading, signal } = request;
  const { source } = reading.report();
  const placeOf = (path: string): string => storedPath(storedAs, source, path);
  const links = new LinkGroups(placeOf);
  const originals = new Waiting<BodyItem>();
  const spools = new Map<BodyItem, string>();
  const mark = entries.mark();
  let count = 0;
  let bytes = 0;
  const changed: Change[] = [];
  const omissions: Omission[] = [];

  const onResult = (result: BodyResult<K>): void => {
    // Results come in the order in which items were given.
    const original = originals.take();
    if (original === undefined) throw new InternalError("More was stored than was given");
    links.note(result, original);
    // Its copy was needed until now: what many programs write need not lie there twice until the backup ends.
    const spool = spools.get(original);
    if (spool !== undefined) rmSync(spool, { force: true });
    spools.delete(original);
    const { head } = result.item;
    if (!result.stored) {
      if (result.reason === "vanished") changed.push({ path: head.path, change: "vanished" });
      else omissions.push({ path: head.path, reason: result.reason.unreadable, harmless: false });
      return;
    }
    if (result.change !== undefined) changed.push({ path: head.path, change: result.change });
    // One copy and no rest: with a million entries the copies are what takes time.
    const entry: { -readonly [F in keyof Omit<Entry, "component">]: Entry[F] } = { ...withFacts(head, result.size, result.facts) };
    const { sha256, pages_sha256: pages = result.item.proof?.pages_sha256 } = result.proof ?? {};
    if (sha256 !== undefined) entry.sha256 = sha256;
    if (pages !== undefined) entry.pages_sha256 = pages;
    if (entry.hard_link !== undefined) entry.hard_link = links.firstName(entry.hard_link);
    entries.add(component, entry, result.kept);
    count += 1;
    bytes += result.size;
  };

  const onKept = (many: number, size: number): void => {
    count += many;
    bytes += size;
    request.onBytes?.(size);
  };

  const onBytes = (read: number): void => {
    throwIfAborted(signal);
    request.onBytes?.(read);
  };
  const goOn = (): void => {
    throwIfAborted(signal);
    const lost = reading.lost?.();
    if (lost !== undefined) throw lost;
  };
  const writer = body.component({ component, storedAs, resolveLink: links.resolve, onResult, onKept, onBytes, goOn });
  let number = 0;
  const add = async ({ head, content, movedFrom, proof }: ReadingEntry): Promise<void> => {
    if (source !== "tree" && number > 0) throw new InternalError(`Component "${component}" is one file and gives more than one entry`);
    number += 1;
    if (head.type === "file" && head.hard_link === undefined && content.kind === "none")
      throw new InternalError(`The file "${head.path}" of "${component}" comes without content`);
    // What could not be read back must not be stored: one such name would make the whole backup unreadable.
    const unsafe = head.path === "." ? undefined : pathProblem(head.path);
    if (unsafe !== undefined) {
      omissions.push({ path: head.path.slice(0, PATH_SHOWN), reason: `Its path ${unsafe}`, harmless: false });
      return;
    }
    const known = content.kind === "known" ? { known: true } : {};
    const spool = join(staging, `stream-${randomUUID()}`);
    const item = {
      head,
      place: placeOf(head.path),
      movedFrom,
      proof,
      ...known,
      content: await readable(content, spool, signal),
    };
    if (content.kind === "stream") spools.set(item, spool);
    originals.add(item);
    await writer.add(item);
  };
  let front: UntouchedEntries = NOTHING;
  const keep = async (batch: UntouchedEntries, goesOn: boolean): Promise<void> => {
    const all = joined(front, batch);
    front = NOTHING;
    for (let next = 0; next < all.entries.length; next += 1) {
      const { kept = 0, isFront = false } = (await writer.keep?.(all.entries, next, goesOn)) ?? {};
      next += kept;
      if (isFront) {
        front = from(all, next);
        return;
      }
      if (next < all.entries.length) await add(all.entry(next));
    }
  };
  try {
    for await (const batch of reading.batches?.() ?? reading.entries()) {
      throwIfAborted(signal);
      if ("entries" in batch) await keep(batch, true);
      else {
        await keep(NOTHING, false);
        await add(batch);
      }
    }
    await keep(NOTHING, false);
    await writer.finish();
    throwIfAborted(signal);
    if (originals.size > 0) throw new InternalError("Less was stored than was given");
    if (source !== "tree" && count === 0)
      throw new CaptureError("COMPONENT_MISSING", `Component "${component}" was gone before it was read`, {
        hint: "Look at what replaces or removes it, and run the backup again",
      });
    await reading.confirm();
  } catch (error) {
    await writer.rollback();
    entries.rewind(mark);
    throw error;
  }
  return { entries: count, bytes, changed, omissions };
}

/** A stream becomes a file first: a tar header states the length before the bytes. */
async function readable(content: Content, spool: string, signal: AbortSignal | undefined): Promise<ReadableContent | undefined> {
  if (content.kind === "none" || content.kind === "known") return undefined;
  if (content.kind !== "stream") return content;
  await pipeline(content.open(), createWriteStream(spool, { flags: "wx", mode: 0o600 }), signal === undefined ? {} : { signal });
  const stats = lstatAt(spool);
  if (stats === undefined) throw new InternalError(`"${spool}" is gone`);
  return {
    kind: "staged",
    spans: [{ kind: "file", path: spool, device: stats.dev, inode: stats.ino, offset: 0, length: Number(stats.size) }],
    movable: true,
  };
}
