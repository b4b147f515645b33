import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openComponent } from "../backup/index.ts";
import { makeFolder } from "../kernel/index.ts";
import type { BackupHead, Content, Vault } from "../vault/index.ts";
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
  readonly identity: () => Promise<string>;
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
    const identity = entry.sha256 ?? `link:${entry.target ?? entry.hard_link ?? ""}`;
    result.set(logicalPath(entry), { size: entry.size, mtimeNs: entry.mtime_ns, identity: () => Promise.resolve(identity) });
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
          if ((await was.identity()) !== `link:${entry.target ?? ""}` && entry.hard_link === undefined)
            differences.push({ path, change: "changed", bytesBefore: was.size, bytesAfter: entry.size });
        } else if (entry.database === true || entry.size !== was.size || entry.mtime_ns !== was.mtimeNs) {
          if ((await hashOf(content)) !== (await was.identity()))
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

async function hashOf(content: Content): Promise<string> {
  const hash = createHash("sha256");
  if (content.kind === "stream") for await (const chunk of content.open()) hash.update(chunk);
  if (content.kind === "staged" || content.kind === "live") {
    for (const span of content.kind === "live" ? [content.span] : content.spans) {
      if (span.kind === "zeros") hash.update(Buffer.alloc(span.length));
      else if (span.length > 0)
        for await (const chunk of createReadStream(span.path, { start: span.offset, end: span.offset + span.length - 1 }))
          hash.update(chunk as Buffer);
    }
  }
  return hash.digest("hex");
}

async function compare(before: Map<string, Fingerprint>, after: Map<string, Fingerprint>): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [path, { size, identity }] of before) {
    const now = after.get(path);
    if (now === undefined) differences.push({ path, change: "removed", bytesBefore: size, bytesAfter: null });
    else if ((await identity()) !== (await now.identity()))
      differences.push({ path, change: "changed", bytesBefore: size, bytesAfter: now.size });
  }
  for (const [path, { size }] of after) {
    if (!before.has(path)) differences.push({ path, change: "added", bytesBefore: null, bytesAfter: size });
  }
  return differences.toSorted(byPath);
}

function byPath(a: Difference, b: Difference): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
