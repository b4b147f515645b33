import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openComponent } from "../backup/index.ts";
import { makeFolder } from "../kernel/index.ts";
import { ContentCheck, proofOf, type BackupHead, type Content, type ContentProof, type Entry, type Vault } from "../vault/index.ts";
import { avoidedBy, planComponents, RESERVED_COMPONENT } from "./plan-components.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { outsideLease } from "./program-places.ts";
import { logicalPath } from "./restore.ts";

export interface Difference {
  /** `component/path`. */
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  readonly bytesBefore: number | null;
  readonly bytesAfter: number | null;
}

export interface DiffResult {
  readonly before: string;
  /** An id, or "live state". */
  readonly after: string;
  readonly differences: readonly Difference[];
}

interface Fingerprint {
  readonly size: number;
  readonly mtimeNs: string;
  /** Where it points to, of what has no content of its own. */
  readonly link: string | undefined;
  readonly proof: ContentProof;
  /** Whether what was stored comes to another proof than its own; reads it. */
  readonly holds: (proof: ContentProof) => Promise<boolean>;
}

/** Compares two backups, or one with the state as it is now. */
export async function diff(instance: Instance, reference: string, other: string | undefined, signal?: AbortSignal): Promise<DiffResult> {
  await using vault = await instance.openVault();
  const before = await findBackup(vault, reference);
  const old = await fingerprints(vault, before);
  if (other !== undefined) {
    const after = await findBackup(vault, other);
    return { before: before.id, after: after.id, differences: await compare(old, await fingerprints(vault, after)) };
  }
  const scratch = join(instance.config.stateDir, "tmp");
  makeFolder(scratch);
  const staging = mkdtempSync(join(scratch, "diff-"));
  try {
    const differences = await compareLive(instance, before, old, staging, signal);
    return { before: before.id, after: "live state", differences };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function fingerprints(vault: Vault, head: BackupHead): Promise<Map<string, Fingerprint>> {
  const result = new Map<string, Fingerprint>();
  await using reader = await vault.open(head.id);
  for await (const entry of reader.entries()) {
    if (entry.component === RESERVED_COMPONENT || entry.type === "directory") continue;
    const proof = proofOf(entry);
    const link = entry.target ?? entry.hard_link;
    const holds = async (other: ContentProof): Promise<boolean> => await isStored(vault, head, entry, other);
    result.set(logicalPath(entry), { size: entry.size, mtimeNs: entry.mtime_ns, link, proof, holds });
  }
  return result;
}

/** Live contents are hashed only when size or time differ; databases always, from a consistent copy. */
async function compareLive(
  instance: Instance,
  head: BackupHead,
  old: Map<string, Fingerprint>,
  staging: string,
  signal?: AbortSignal,
): Promise<Difference[]> {
  const names = head.manifest.components.filter(
    (name) => name !== RESERVED_COMPONENT && instance.config.components.some((known) => known.name === name),
  );
  const differences: Difference[] = [];
  const seen = new Set<string>();
  for (const plan of await planComponents(instance, names)) {
    if (plan.unresolved !== undefined) throw plan.unresolved;
    const before = head.manifest.component_details[plan.name];
    const folder = join(staging, plan.name);
    makeFolder(folder);
    const reading = await openComponent({
      raw: false,
      plan,
      kind: plan.kind,
      before,
      programs: outsideLease(instance),
      staging: folder,
      avoid: avoidedBy(instance),
      cut: false,
      signal,
      now: instance.clock.now(),
    });
    try {
      for await (const { head: entry, content } of reading.entries()) {
        if (entry.type === "directory") continue;
        const path = logicalPath({ component: plan.name, path: entry.path });
        seen.add(path);
        const was = old.get(path);
        if (was === undefined) {
          differences.push({ path, change: "added", bytesBefore: null, bytesAfter: entry.size });
        } else if (entry.type === "symlink" || entry.hard_link !== undefined) {
          if (was.link !== (entry.target ?? "") && entry.hard_link === undefined)
            differences.push({ path, change: "changed", bytesBefore: was.size, bytesAfter: entry.size });
        } else if (entry.database === true || entry.size !== was.size || entry.mtime_ns !== was.mtimeNs) {
          if (!(await isContent(content, was.proof)))
            differences.push({ path, change: "changed", bytesBefore: was.size, bytesAfter: entry.size });
        }
      }
      await reading.confirm();
    } finally {
      await reading.close();
    }
  }
  for (const [path, { size }] of old) {
    if (!seen.has(path)) differences.push({ path, change: "removed", bytesBefore: size, bytesAfter: null });
  }
  return differences.toSorted(byPath);
}

/** A database that one backup has by its pages and the other by its content is read. */
async function isSame(one: Fingerprint, other: Fingerprint): Promise<boolean> {
  if (one.link !== other.link) return false;
  if (one.link !== undefined) return true;
  for (const kind of ["sha256", "pages_sha256"] as const)
    if (one.proof[kind] !== undefined && other.proof[kind] !== undefined) return one.proof[kind] === other.proof[kind];
  return one.size === other.size && (await other.holds(one.proof));
}

async function isStored(vault: Vault, { id }: BackupHead, { component, path }: Entry, proof: ContentProof): Promise<boolean> {
  await using reader = await vault.open(id);
  const check = new ContentCheck(proof);
  const select = (entry: Entry): boolean => entry.component === component && entry.path === path;
  for await (const { content } of reader.read({ select })) for await (const bytes of content ?? []) check.update(bytes);
  return check.holds();
}

async function isContent(content: Content, proof: ContentProof): Promise<boolean> {
  const check = new ContentCheck(proof);
  if (content.kind === "stream") for await (const chunk of content.open()) check.update(chunk as Buffer);
  if (content.kind === "staged" || content.kind === "live") {
    for (const span of content.kind === "live" ? [content.span] : content.spans) {
      if (span.kind === "zeros") check.update(Buffer.alloc(span.length));
      else if (span.length > 0)
        for await (const chunk of createReadStream(span.path, { start: span.offset, end: span.offset + span.length - 1 }))
          check.update(chunk as Buffer);
    }
  }
  return check.holds();
}

async function compare(before: Map<string, Fingerprint>, after: Map<string, Fingerprint>): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [path, was] of before) {
    const now = after.get(path);
    if (now === undefined) differences.push({ path, change: "removed", bytesBefore: was.size, bytesAfter: null });
    else if (!(await isSame(was, now))) differences.push({ path, change: "changed", bytesBefore: was.size, bytesAfter: now.size });
  }
  for (const [path, { size }] of after) {
    if (!before.has(path)) differences.push({ path, change: "added", bytesBefore: null, bytesAfter: size });
  }
  return differences.toSorted(byPath);
}

function byPath(a: Difference, b: Difference): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
