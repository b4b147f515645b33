import { dirname, join } from "node:path";
import { CaptureError, identityKey, lstatAt } from "../../kernel/index.ts";
import { namesIn } from "../names-in.ts";
import { breathe } from "../stop-signal.ts";
import { databaseState, type DatabaseState } from "./database-state.ts";

/**
 * The name under which a hard-linked database is in use. Its write-ahead log lies beside the name that the application
 * opened; read under another name, the committed rows in that log are lost (openclaw#144585).
 *
 * @param within folder below which other names are looked for; the file's own folder in any case
 * @throws CaptureError COMPONENT_UNREADABLE when a log may lie beside a name that was not found
 */
export async function liveName(
  path: string,
  state: DatabaseState,
  within: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly path: string; readonly warning?: string }> {
  if (state.stats.nlink < 2n || state.sidecars.size > 0) return { path };
  const names = await otherNames(path, state, within ?? dirname(path), within !== undefined, signal);
  const used = names.filter((name) => (databaseState(name)?.sidecars.size ?? 0) > 0);
  const [name] = used;
  if (name !== undefined && used.length === 1) return { path: name };
  if (used.length === 0 && BigInt(names.length) + 1n >= state.stats.nlink) return { path };
  if (used.length === 0 && !state.wal) {
    return { path, warning: `"${path}" has ${state.stats.nlink} names, and not all were found: a journal beside another name is not seen` };
  }
  throw new CaptureError(
    "COMPONENT_UNREADABLE",
    used.length > 1
      ? `"${path}" is one of several names of a database, and more than one of them has a log beside it`
      : `"${path}" has ${state.stats.nlink} names, and a write-ahead log may lie beside one that was not found`,
    { hint: "Declare the name that its application opens, or remove the other names of the file" },
  );
}

async function otherNames(
  path: string,
  state: DatabaseState,
  root: string,
  deep: boolean,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const wanted = identityKey(state.identity);
  const found: string[] = [];
  const folders = deep ? [root, dirname(path)] : [root];
  const seen = new Set<string>();
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    await breathe(signal);
    for (const name of listed(folder)) {
      const place = join(folder, name);
      const stats = lookedAt(place);
      if (stats === undefined) continue;
      const key = identityKey({ device: stats.dev, inode: stats.ino });
      if (stats.isDirectory()) {
        if (deep && stats.dev === state.stats.dev && !seen.has(key)) {
          seen.add(key);
          folders.push(place);
        }
      } else if (key === wanted && place !== path && !found.includes(place)) {
        found.push(place);
      }
    }
    if (BigInt(found.length) + 1n >= state.stats.nlink) break;
  }
  return found;
}

function listed(folder: string): readonly string[] {
  try {
    return namesIn(folder).names;
  } catch {
    // A folder that cannot be listed may hide a name; the count of names tells.
    return [];
  }
}

function lookedAt(path: string): ReturnType<typeof lstatAt> {
  try {
    return lstatAt(path);
  } catch {
    return undefined;
  }
}
