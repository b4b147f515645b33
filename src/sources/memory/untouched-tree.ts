import { createHash } from "node:crypto";
import { identityKey, keepsFolderTimes, VERSION } from "../../kernel/index.ts";
import { isRecentlyRead, type ReadingReport, type SqliteDetails } from "../../vault/index.ts";
import type { ReadingRequest } from "../reading-request.ts";
import type { Root } from "../root.ts";
import { knownDatabase } from "../sqlite/known-database.ts";
import type { WalkMemory } from "./folder-memory.ts";
import { isUntouched } from "./is-untouched.ts";
import { knownTo } from "./known-to.ts";
import { treeMemory, TreeNotes } from "./tree-memory.ts";

/** Which tree a memory is of, and all that decides what a walk of it finds besides the tree itself. */
export function walkRules(root: Root, request: ReadingRequest): string {
  const { exclude, include, excludeLarger, excludeCaches, oneFileSystem, avoid } = request;
  const rules = [VERSION, root.real, String(root.stats.dev), exclude, include, excludeLarger ?? null, excludeCaches, oneFileSystem];
  return createHash("sha256")
    .update(JSON.stringify([...rules, avoid.map(identityKey).toSorted()]))
    .digest("hex");
}

/** undefined where nothing is remembered. */
export function walkMemory(root: Root, request: ReadingRequest, rules: string): WalkMemory | undefined {
  const known = knownTo(request);
  if (known === undefined) return undefined;
  const before = treeMemory(known.memory, rules);
  const now = new TreeNotes(request.now, known.newRecords());
  return { before, now, keepsTimes: before !== undefined && keepsFolderTimes(root.real) };
}

/** What a reading reports of a tree of which nothing has been touched; undefined when something has. */
export function untouchedTree(root: Root, request: ReadingRequest, memory: WalkMemory | undefined): ReadingReport | undefined {
  if (memory?.before === undefined || request.known?.whole !== true) return undefined;
  const databases: Record<string, SqliteDetails> = {};
  const isKnown = (absolute: string, path: string): boolean => {
    const known = knownDatabase(absolute, path, request, "whole");
    if (known !== undefined) databases[path] = known.details;
    return known !== undefined;
  };
  // Not for ever: what a folder does not tell is found when it is listed.
  const keepsTimes = memory.keepsTimes && isRecentlyRead(memory.before.begun, request.now);
  if (!isUntouched(memory.before, { root: root.real, stats: root.stats, now: request.now, keepsTimes, isKnown })) return undefined;
  return {
    source: "tree",
    resolved_path: root.real,
    ...(Object.keys(databases).length === 0 ? {} : { databases }),
    omissions: [],
    warnings: memory.before.warnings,
    suspect: false,
  };
}
