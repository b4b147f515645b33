import { readlinkSync, type BigIntStats } from "node:fs";
import { CaptureError, errnoOf, lstatAt } from "../kernel/index.ts";
import { belongsToDatabase } from "./belongs-to-database.ts";
import { damagedDatabase } from "./damaged-database.ts";
import type { HardLinks } from "./hard-links.ts";
import { lookAtFile, type FileToLookAt, type SeenFile } from "./look-at-file.ts";
import { showBytes } from "./names-in.ts";
import type { Notes } from "./notes.ts";
import type { Frame } from "./walk-frame.ts";
import type { Found, Place, WalkOptions } from "./walk.ts";

/** What a name is that the rules let in, and is no folder. undefined for what is left out, which is told. */
export async function identify(
  place: Place,
  name: string,
  frame: Frame,
  options: WalkOptions,
  links: HardLinks,
): Promise<Found | undefined> {
  const { path, absolute, stats } = place;
  const { raw } = options;
  const wasDatabase = raw !== "unseen" && options.remembered.has(path);
  if (wasDatabase && !stats.isFile()) {
    const damage = damagedDatabase(absolute, "other-sort");
    if (raw === null) throw damage;
    raw.add(path, damage);
  }
  if (stats.isSymbolicLink()) {
    const target = targetOf(place, options.notes);
    return target === undefined ? undefined : { ...place, type: "symlink", target };
  }
  if (!stats.isFile()) {
    options.notes.omit(path, `Is ${sortOf(stats)}, which has no content to keep`, true);
    return undefined;
  }
  if (belongsToDatabase(path, name, frame, raw)) return undefined;
  const logListed = raw !== "unseen" && frame.logged.has(name);
  const untouched = stats.dev === options.stats.dev && frame.memory?.isUntouched(name, stats) === true;
  const seen = await lookAt({ path, absolute, stats, logListed, wasDatabase, untouched }, options);
  if (seen === undefined) return undefined;
  if (seen.type === "database") frame.databases.add(name);
  const linkTo = links.earlier(path, seen.stats);
  const movedFrom = untouched || seen.type !== "file" ? undefined : frame.memory?.movedFrom(name, seen.stats);
  return { path, absolute, stats: seen.stats, type: seen.type, linkTo, untouched: untouched && seen.stats === stats, movedFrom };
}

/** In a salvage a damaged database is the file that it is, and named. */
async function lookAt(file: FileToLookAt, { raw, notes, signal }: WalkOptions): Promise<SeenFile | undefined> {
  try {
    return await lookAtFile(file, notes, signal);
  } catch (error) {
    if (raw === null || raw === "unseen" || !(error instanceof CaptureError)) throw error;
    raw.add(file.path, error);
    return { type: "file", stats: lstatAt(file.absolute) ?? file.stats };
  }
}

function targetOf(place: Place, notes: Notes): string | undefined {
  try {
    const bytes = readlinkSync(place.absolute, { encoding: "buffer" });
    const target = bytes.toString("utf8");
    if (Buffer.from(target, "utf8").equals(bytes)) return target;
    notes.omit(place.path, `Points to a name that is not UTF-8: ${showBytes(bytes)}`, false);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") notes.omit(place.path, "vanished", true);
    else notes.omit(place.path, `Cannot be read as a link (${errnoOf(error) ?? String(error)})`, false);
  }
  return undefined;
}

function sortOf(stats: BigIntStats): string {
  if (stats.isFIFO()) return "a FIFO";
  return stats.isSocket() ? "a socket" : "a device";
}
