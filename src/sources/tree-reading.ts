import { CaptureError, lstatAt } from "../kernel/index.ts";
import type { Reading, ReadingEntry, UntouchedEntries } from "../vault/index.ts";
import { cutTree } from "./cut-tree.ts";
import { rootLook } from "./memory/tree-memory.ts";
import { untouchedTree, walkMemory, walkRules } from "./memory/untouched-tree.ts";
import { makeNotes, type Notes } from "./notes.ts";
import { makePatterns } from "./patterns.ts";
import { rawDatabases } from "./raw-databases.ts";
import { readingOf } from "./reading-of.ts";
import type { ReadingRequest } from "./reading-request.ts";
import type { Root } from "./root.ts";
import { databaseChild } from "./sqlite/database-child.ts";
import type { StagingFolder } from "./staging-folder.ts";
import { liveEntry, untouchedEntries, type TreeWork } from "./tree-entry.ts";
import { untouchedReading } from "./untouched-reading.ts";
import { walk, walkInBatches, type Found, type UntouchedFound, type WalkOptions } from "./walk.ts";

/** A folder with everything in it, walked while it is stored; under a pause everything is copied first. */
export async function treeReading(
  root: Root,
  request: ReadingRequest,
  notes: Notes,
  staging: StagingFolder,
  avoid: ReadonlySet<string>,
): Promise<Reading> {
  const raw = request.raw === undefined || request.raw === false ? null : rawDatabases(notes);
  const rules = walkRules(root, request);
  const memory = walkMemory(root, request, rules);
  const same = untouchedTree(root, request, memory);
  if (same !== undefined) return untouchedReading(() => same, request, staging);
  const child = databaseChild();
  const work: TreeWork = { raw, root, request, notes, staging, child, databases: new Map() };
  const patterns = makePatterns(request.exclude, request.include);
  const options: WalkOptions = {
    root: root.real,
    stats: root.stats,
    patterns,
    excludeLarger: request.excludeLarger,
    excludeCaches: request.excludeCaches,
    oneFileSystem: request.oneFileSystem,
    avoid,
    remembered: request.remembered.paths,
    raw,
    memory,
    notes,
    signal: request.signal,
  };
  async function* live(): AsyncGenerator<ReadingEntry | UntouchedEntries> {
    for await (const found of walkInBatches(options)) {
      if (Array.isArray(found)) {
        yield untouchedEntries(found as readonly UntouchedFound[]);
        continue;
      }
      const made = liveEntry(found as Found, work);
      const entry = made instanceof Promise ? await made : made;
      if (entry !== undefined) yield entry;
    }
    finish();
  }
  const finish = (): void => {
    for (const warning of patterns.warnings()) notes.warn(warning);
    for (const path of request.remembered.paths) {
      if (!work.databases.has(path)) notes.warn(`"${path}" was a database in the newest good backup and is not captured now`);
    }
  };
  let entries: () => AsyncGenerator<ReadingEntry | UntouchedEntries>;
  try {
    // The first walk of a cut counts bytes only, and what it notices is noticed again.
    const measured = (): AsyncGenerator<Found> => {
      const unheard = makeNotes();
      return walk({ ...options, memory: undefined, notes: unheard, raw: raw === null ? null : rawDatabases(unheard) });
    };
    entries = request.cut ? await cutTree(walk(options), measured, work, finish) : live;
  } catch (error) {
    await child.close();
    throw error;
  }
  return readingOf({
    signal: request.signal,
    entries,
    confirm() {
      const now = lstatAt(root.real);
      if (request.cut || (now?.ino === root.stats.ino && now.dev === root.stats.dev)) return;
      if (typeof request.raw === "object") {
        notes.warn("The folder was replaced while it was read: what was read of either is kept");
        return;
      }
      throw new CaptureError("COMPONENT_MOVED", `The folder "${root.path}" was replaced while it was read`, {
        hint: "Back up when nothing replaces it",
      });
    },
    report: () => ({
      source: "tree",
      resolved_path: root.real,
      ...(work.databases.size === 0 ? {} : { databases: Object.fromEntries(work.databases) }),
      ...notes.result(),
      ...(raw === null || raw.paths.size === 0 ? {} : { salvaged: { file: null, paths: [...raw.paths] }, suspect: true }),
    }),
    memory() {
      const { omissions, warnings, suspect } = notes.result();
      return memory?.now.toHead({ rules, root: rootLook(root.stats), plain: omissions.length === 0 && !suspect, warnings });
    },
    async close() {
      await child.close();
      await staging.remove();
    },
  });
}
