import { readdirSync, type BigIntStats } from "node:fs";
import { errnoOf, identityKey, lstatAt } from "../kernel/index.ts";
import { makeNotes } from "./notes.ts";
import { makePatterns } from "./patterns.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { SIDECARS } from "./sniff.ts";
import { walk } from "./walk.ts";

/** One name in a tree, and whether the component's own rules would capture it. */
export interface TreeFind {
  /** Entry path; "." for the root. */
  readonly path: string;
  readonly absolute: string;
  readonly stats: BigIntStats;
  readonly type: "directory" | "file" | "symlink" | "other";
  /** A database's sidecars count as captured: its copy holds what they say. */
  readonly verdict: "captured" | "left-out";
  /** Why it is left out. */
  readonly reason?: string;
}

/**
 * Everything that a tree's rules let in, and once each what they leave out, which is not entered: an excluded folder is
 * one find, whatever it holds. Opens no more than first bytes, and takes damaged databases for the files that they are.
 */
export async function* surveyTree(
  request: Pick<ReadingRequest, "exclude" | "include" | "excludeLarger" | "excludeCaches" | "oneFileSystem" | "avoid" | "signal"> & {
    /** Absolute, links followed. */
    readonly root: string;
  },
): AsyncGenerator<TreeFind> {
  const stats = lstatAt(request.root);
  if (stats === undefined) return;
  const notes = makeNotes();
  const captured = new Set<string>();
  const folders: TreeFind[] = [];
  const found = walk({
    root: request.root,
    stats,
    patterns: makePatterns(request.exclude, request.include),
    excludeLarger: request.excludeLarger,
    excludeCaches: request.excludeCaches,
    oneFileSystem: request.oneFileSystem,
    avoid: new Set(request.avoid.map(identityKey)),
    remembered: new Set(),
    raw: new Set(),
    notes,
    signal: request.signal,
  });
  for await (const entry of found) {
    captured.add(entry.path);
    if (entry.type === "database") for (const suffix of SIDECARS) captured.add(`${entry.path}${suffix}`);
    const find: TreeFind = { ...placeOf(entry), type: entry.type === "database" ? "file" : entry.type, verdict: "captured" };
    if (find.type === "directory") folders.push(find);
    yield find;
  }
  const reasons = new Map(notes.result().omissions.map(({ path, reason }) => [path, reason]));
  // What is there and was not let in is left out, whatever the rule was: found by difference, so that no rule can be missed.
  for (const folder of folders) {
    for (const name of namesIn(folder.absolute)) {
      const path = folder.path === "." ? name : `${folder.path}/${name}`;
      const absolute = `${folder.absolute === "/" ? "" : folder.absolute}/${name}`;
      const there = lstatAt(absolute);
      if (there === undefined) continue;
      if (!captured.has(path))
        yield {
          path,
          absolute,
          stats: there,
          type: sortOf(there),
          verdict: "left-out",
          reason: reasons.get(path) ?? "Its rules leave it out",
        };
      else if (SIDECARS.some((suffix) => path.endsWith(suffix) && captured.has(path.slice(0, -suffix.length))))
        yield { path, absolute, stats: there, type: sortOf(there), verdict: "captured" };
    }
  }
}

function placeOf({
  path,
  absolute,
  stats,
}: TreeFind | { path: string; absolute: string; stats: BigIntStats }): Pick<TreeFind, "path" | "absolute" | "stats"> {
  return { path, absolute, stats };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

function sortOf(stats: BigIntStats): TreeFind["type"] {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  return stats.isFile() ? "file" : "other";
}
