import { mkdirSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { formatBytes, freeBytes, HeldFolder, HostError, lstatAt, syncFileSystem } from "../kernel/index.ts";
import type { BackupReader, Entry } from "../vault/index.ts";
import { journalFolder, placesBeside } from "./journal/index.ts";
import { foldersAbove, type PlannedComponent, type PlannedMove, type RestorePlan } from "./plan/index.ts";
import { finishFolders } from "./write-entry.ts";
import { lookAhead, writeEntries } from "./write-entries.ts";

/** Where the bytes of an entry wait for the swap. The layout below is the component's own, so that any folder of it can be renamed. */
export function comingPlace(beside: string, id: string, component: string, path: string): string {
  return join(placesBeside(beside, id).coming, stagedName(component, path));
}

function stagedName(component: string, path: string): string {
  return path === "." ? `${component}/set` : `${component}/set/${path}`;
}

/** @throws HostError FILE_SYSTEM when its name was taken: an id is new, so somebody else took it */
function makeHeld(path: string): HeldFolder {
  using parent = HeldFolder.open(dirname(path), 0o700);
  mkdirSync(parent.at(basename(path)), { mode: 0o700 });
  return HeldFolder.open(path);
}

/** Where the dump or database of a component that is no rename waits. */
export function stagedOther(stateDir: string, id: string, component: string): string {
  return comingPlace(journalFolder(stateDir), id, component, ".");
}

/** Where what a move takes away goes, in the same layout. */
export function goingPlace({ beside, live, component }: PlannedMove, { target }: PlannedComponent, id: string): string {
  const set = join(placesBeside(beside, id).going, component, "set");
  const path = relative(target, live);
  // A sidecar lies beside its database and not below it.
  return path.startsWith("..") ? `${set}${live.slice(target.length)}` : join(set, path);
}

export interface StageRequest {
  readonly plan: RestorePlan;
  readonly reader: BackupReader;
  readonly id: string;
  readonly stateDir: string;
  readonly owner: "recorded" | "current";
  /** What of the planned components is wanted; everything when null. */
  readonly select: ((entry: Entry) => boolean) | null;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

export interface StagedFile {
  readonly component: string;
  /** `component/path`, for messages. */
  readonly name: string;
  readonly path: string;
  readonly sort: "database" | "json" | "yaml";
}

/** Folders that hold what is staged. */
export function foldersBeside(plan: RestorePlan, stateDir: string): string[] {
  const folders = new Set<string>();
  for (const { moves, how } of plan.components) {
    if (how !== "rename") folders.add(journalFolder(stateDir));
    for (const { beside } of moves) folders.add(beside);
  }
  return [...folders];
}

/** Room for every staged byte on the file system it is staged on. */
export function checkSpace(plan: RestorePlan, stateDir: string): void {
  const needed = new Map<string, { folder: string; bytes: number }>();
  for (const { moves, how, bytes } of plan.components) {
    const folder = how === "rename" ? moves.find(({ entry }) => entry !== null)?.beside : journalFolder(stateDir);
    if (folder === undefined) continue;
    const device = String(lstatAt(folder)?.dev);
    const before = needed.get(device);
    needed.set(device, { folder, bytes: (before?.bytes ?? 0) + bytes });
  }
  for (const { folder, bytes } of needed.values()) {
    const free = freeBytes(folder);
    if (bytes > free)
      throw new HostError(
        "NO_SPACE",
        `Staging beside the target needs ${formatBytes(bytes)}, and "${folder}" has ${formatBytes(free)} free`,
        {
          hint: "Free space there; nothing was changed. Old sets of earlier restores go after seven days, or with: holdfast prune",
        },
      );
  }
}

/** Writes beside the targets what will take their place, and proves every byte while it does. */
export async function stage(request: StageRequest): Promise<StagedFile[]> {
  const { plan, reader, id, stateDir, owner, select, signal, onBytes } = request;
  const { component_details: details } = reader.head.manifest;
  const covers = coverage(plan, stateDir);
  const leading = select === null ? new Set<string>() : await leadingFolders(reader, select);
  const besideOf = (entry: Entry): string | undefined => {
    const ways = covers.get(entry.component);
    if (ways === undefined) return undefined;
    if (select !== null && !select(entry) && !leading.has(`${entry.component}/${entry.path}`)) return undefined;
    return ways.get(entry.path) ?? firstOf(foldersAbove(entry.path), ways);
  };
  const wanted = (entry: Entry): boolean => besideOf(entry) !== undefined;
  const ahead = await lookAhead({ reader, wanted, owner });
  const beside = foldersBeside(plan, stateDir);
  using held = new DisposableStack();
  const coming = new Map<string, HeldFolder>();
  // Whoever may write beside a target could lay a link where the staged set is to be: it is made, and then held.
  for (const folder of beside) coming.set(folder, held.use(makeHeld(placesBeside(folder, id).coming)));
  const files: StagedFile[] = [];
  const folders = await writeEntries(
    {
      reader,
      wanted,
      owner,
      ...(signal === undefined ? {} : { signal }),
      ...(onBytes === undefined ? {} : { onBytes }),
      placeOf: (entry) => {
        const folder = besideOf(entry);
        const place = folder === undefined ? undefined : coming.get(folder);
        return place?.at(stagedName(entry.component, entry.path));
      },
      onEntry: (entry) => {
        const path = comingPlace(besideOf(entry) ?? "", id, entry.component, entry.path);
        const sort = sortOf(entry, details[entry.component]?.source);
        if (sort !== undefined) files.push({ component: entry.component, name: `${entry.component}/${entry.path}`, path, sort });
      },
    },
    ahead,
  );
  finishFolders(folders, { owners: owner === "recorded" });
  for (const folder of beside) await syncFileSystem(folder);
  return files;
}

function sortOf(entry: Entry, source: string | undefined): StagedFile["sort"] | undefined {
  if (entry.type !== "file") return undefined;
  // A database that was kept raw is none by this mark: it may be anything, and nothing is claimed of it.
  if (entry.database === true) return "database";
  if (source === "json") return "json";
  return /\.ya?ml$/i.test(entry.path) && entry.size < 1024 * 1024 ? "yaml" : undefined;
}

/** For each component, the staged folder of every entry path that a move brings. */
function coverage(plan: RestorePlan, stateDir: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  return new Map(
    plan.components.map(({ component, how, moves }) => [
      component,
      how === "rename"
        ? new Map(moves.flatMap(({ entry, beside }) => (entry === null ? [] : [[entry, beside] as const])))
        : new Map([[".", journalFolder(stateDir)]]),
    ]),
  );
}

function firstOf(paths: Iterable<string>, ways: ReadonlyMap<string, string>): string | undefined {
  for (const path of paths) {
    const way = ways.get(path);
    if (way !== undefined) return way;
  }
  return undefined;
}

/** Folders above what was chosen: they come with their recorded mode and owner when they have to be made. */
async function leadingFolders(reader: BackupReader, select: (entry: Entry) => boolean): Promise<ReadonlySet<string>> {
  const leading = new Set<string>();
  for await (const entry of reader.entries())
    if (select(entry)) for (const folder of foldersAbove(entry.path)) leading.add(`${entry.component}/${folder}`);
  return leading;
}
