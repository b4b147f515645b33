import { lstatSync, type BigIntStats } from "node:fs";
import { basename } from "node:path";
import { CaptureError, errnoOf, identityKey, lstatAt } from "../kernel/index.ts";
import { namesIn, showBytes, type Names } from "./names-in.ts";
import type { Notes } from "./notes.ts";
import { makePatterns } from "./patterns.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { SIDECARS } from "./sniff.ts";
import { walk } from "./walk.ts";

/** One name in a tree, and whether the component's own rules would capture it. */
export interface TreeFind {
  /** Entry path; "." for the root. Of a name that is not UTF-8, what a listing as text gives for it. */
  readonly path: string;
  readonly absolute: string;
  readonly stats: BigIntStats;
  /** What is left out is not looked into: a database among it is a file. */
  readonly type: "directory" | "file" | "symlink" | "database" | "sidecar" | "other";
  /** A database's sidecars count as captured: its copy holds what they say. */
  readonly verdict: "captured" | "left-out";
  /** Why it is left out. */
  readonly reason?: string;
}

const BY_RULE = "Its rules leave it out";

/** A folder whose contents are being given, with the names in it that were captured. */
interface OpenFolder {
  readonly folder: TreeFind;
  readonly captured: Set<string>;
  readonly databases: Set<string>;
}

/**
 * Everything that a tree's rules let in, a folder before its contents, and once each what they leave out, which is not
 * entered: an excluded folder is one find, whatever it holds. Opens no more than first bytes, and takes damaged databases
 * for the files that they are. The memory is that of the listings from the root to where the walk is.
 *
 * What is there and was not let in is left out, whatever the rule was: found by difference, so that no rule can be missed.
 *
 * @throws CaptureError COMPONENT_UNREADABLE for a folder that cannot be listed: what it holds is not known
 */
export async function* surveyTree(
  request: Pick<ReadingRequest, "exclude" | "include" | "excludeLarger" | "excludeCaches" | "oneFileSystem" | "avoid" | "signal"> & {
    /** Absolute, links followed. */
    readonly root: string;
  },
): AsyncGenerator<TreeFind> {
  const stats = lstatAt(request.root);
  if (stats === undefined) return;
  const reasons = new Map<string, string>();
  const found = walk({
    root: request.root,
    stats,
    patterns: makePatterns(request.exclude, request.include),
    excludeLarger: request.excludeLarger,
    excludeCaches: request.excludeCaches,
    oneFileSystem: request.oneFileSystem,
    avoid: new Set(request.avoid.map(identityKey)),
    remembered: new Set(),
    raw: "unseen",
    memory: undefined,
    notes: notesInto(reasons),
    signal: request.signal,
  });
  const stack: OpenFolder[] = [];
  for await (const { path, absolute, stats: seen, type } of found) {
    const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
    for (let top = stack.at(-1); top !== undefined && top.folder.path !== parent; top = stack.at(-1)) {
      stack.pop();
      yield* theRestOf(top, reasons);
    }
    const name = basename(path);
    stack.at(-1)?.captured.add(name);
    if (type === "database") stack.at(-1)?.databases.add(name);
    const find: TreeFind = { path, absolute, stats: seen, type, verdict: "captured" };
    yield find;
    if (type === "directory") stack.push({ folder: find, captured: new Set(), databases: new Set() });
  }
  for (const open of stack.toReversed()) yield* theRestOf(open, reasons);
}

/** Reasons without a limit: each is taken out again when its find is given. */
function notesInto(reasons: Map<string, string>): Notes {
  return {
    omit: (path, reason) => void reasons.set(path, reason),
    warn: () => {},
    suspect: () => {},
    result: () => ({ omissions: [], warnings: [], suspect: false }),
  };
}

/** What lies in a folder and was not given yet: sidecars of its databases, and what is left out. */
function* theRestOf({ folder, captured, databases }: OpenFolder, reasons: Map<string, string>): Generator<TreeFind> {
  const { names, foreign } = listed(folder.absolute);
  const inside = folder.path === "." ? "" : `${folder.path}/`;
  const top = folder.absolute === "/" ? "" : folder.absolute;
  // A folder that is kept without its content says so once, for all that is in it.
  const whole = reasons.get(folder.path);
  reasons.delete(folder.path);
  for (const name of names) {
    if (captured.has(name)) continue;
    const path = `${inside}${name}`;
    const absolute = `${top}/${name}`;
    const stats = lstatAt(absolute);
    if (stats === undefined) continue;
    const reason = reasons.get(path) ?? whole ?? BY_RULE;
    reasons.delete(path);
    if (stats.isFile() && SIDECARS.some((suffix) => name.endsWith(suffix) && databases.has(name.slice(0, -suffix.length))))
      yield { path, absolute, stats, type: "sidecar", verdict: "captured" };
    else yield { path, absolute, stats, type: sortOf(stats), verdict: "left-out", reason };
  }
  for (const bytes of foreign) {
    const stats = lstatSync(Buffer.concat([Buffer.from(`${top}/`), bytes]), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) continue;
    const name = bytes.toString("utf8");
    reasons.delete(`${inside}${showBytes(bytes)}`);
    yield {
      path: `${inside}${name}`,
      absolute: `${top}/${name}`,
      stats,
      type: sortOf(stats),
      verdict: "left-out",
      reason: `Has a name that is not UTF-8: ${showBytes(bytes)}`,
    };
  }
}

function listed(folder: string): Names {
  try {
    return namesIn(folder);
  } catch (cause) {
    const errno = errnoOf(cause) ?? String(cause);
    if (errno === "ENOENT") return { names: [], foreign: [] };
    throw new CaptureError("COMPONENT_UNREADABLE", `The folder "${folder}" cannot be listed, and what it holds is not known: ${errno}`, {
      cause,
      hint: "Run Holdfast as the account that owns it, or as root",
    });
  }
}

function sortOf(stats: BigIntStats): TreeFind["type"] {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  return stats.isFile() ? "file" : "other";
}
