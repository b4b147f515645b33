import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { errnoOf, lstatAt } from "../../kernel/index.ts";
import { lockedFiles } from "./locked-files.ts";

export interface HolderTarget {
  /** Absolute, links followed. */
  readonly path: string;
  readonly sort: "file" | "tree";
}

export interface Holder {
  /** null: a lock whose process is not ours to see, as one of another container. */
  readonly pid: number | null;
  readonly command: string;
  readonly paths: readonly string[];
  readonly how: "open file" | "lock" | "mapped" | "working folder";
}

export interface HolderScan {
  readonly holders: readonly Holder[];
  /** Processes whose open files this account may not see. */
  readonly unseen: number;
  /** Whether none was missed. */
  readonly complete: boolean;
}

/** A database's log and shared memory are held by whoever has the database. */
const BESIDE = ["", "-wal", "-shm", "-journal"] as const;

/**
 * Looks through /proc: open files, mapped files and working folders of every process that this account may look at, and
 * the locks of all of them. A database in WAL mode is locked by every connection, which shows it also where its process
 * is another user's.
 */
export function findHolders(
  targets: readonly HolderTarget[],
  { ignore = [], proc = "/proc" }: { readonly ignore?: readonly number[]; readonly proc?: string } = {},
): HolderScan {
  const sought = seek(targets);
  const ignored = new Set(ignore);
  const holders: Holder[] = [];
  let unseen = 0;
  let pids: readonly number[];
  try {
    pids = readdirSync(proc).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return { holders: [], unseen: 0, complete: false };
  }
  // Without a /proc of its own a sandbox shows an empty folder; our own process is always there otherwise.
  let complete = pids.includes(process.pid);
  for (const pid of pids) {
    if (ignored.has(pid)) continue;
    const found = lookAtProcess(`${proc}/${pid}`, sought);
    if (found === "unseen") unseen += 1;
    else if (found !== "gone") for (const [how, paths] of found) holders.push({ pid, command: commandOf(proc, pid), paths, how });
  }
  if (unseen > 0) complete = false;
  const locks = lockedFiles(proc);
  if (locks === undefined) complete = false;
  for (const { pid, key } of locks ?? []) {
    const path = sought.byInode.get(key);
    if (path === undefined || (pid !== null && (ignored.has(pid) || holders.some((holder) => holder.pid === pid)))) continue;
    holders.push({ pid, command: pid === null ? "a process elsewhere" : commandOf(proc, pid), paths: [path], how: "lock" });
  }
  return { holders, unseen, complete };
}

interface Sought {
  /** "device:inode" of every file that is a target. */
  readonly byInode: ReadonlyMap<string, string>;
  readonly files: ReadonlySet<string>;
  readonly trees: readonly string[];
}

function seek(targets: readonly HolderTarget[]): Sought {
  const byInode = new Map<string, string>();
  const files = new Set<string>();
  const trees: string[] = [];
  for (const { path, sort } of targets) {
    if (sort === "tree") trees.push(path);
    else
      for (const suffix of BESIDE) {
        files.add(`${path}${suffix}`);
        const stats = lstatAt(`${path}${suffix}`);
        if (stats?.isFile() === true) byInode.set(`${stats.dev}:${stats.ino}`, `${path}${suffix}`);
      }
  }
  for (const tree of trees) addDatabases(tree, byInode);
  return { byInode, files, trees };
}

/** In a tree, shared memory beside a file says that it is a database in use; its lock shows holders that cannot be seen. */
function addDatabases(tree: string, byInode: Map<string, string>): void {
  let entries: string[];
  try {
    entries = readdirSync(tree, { recursive: true, encoding: "utf8" });
  } catch {
    return;
  }
  for (const name of entries) {
    if (!name.endsWith("-shm")) continue;
    const path = `${tree}/${name}`;
    const stats = lstatAt(path);
    if (stats?.isFile() === true) byInode.set(`${stats.dev}:${stats.ino}`, path);
  }
}

type Found = ReadonlyMap<Holder["how"], string[]>;

function lookAtProcess(folder: string, sought: Sought): Found | "unseen" | "gone" {
  const found = new Map<Holder["how"], string[]>();
  const add = (how: Holder["how"], path: string): void => {
    const paths = found.get(how);
    if (paths === undefined) found.set(how, [path]);
    else if (!paths.includes(path)) paths.push(path);
  };
  try {
    for (const name of readdirSync(`${folder}/fd`)) {
      const path = lookAtDescriptor(`${folder}/fd/${name}`, sought);
      if (path !== undefined) add("open file", path);
    }
    const cwd = clean(readlinkSync(`${folder}/cwd`));
    if (within(cwd, sought.trees)) add("working folder", cwd);
    for (const path of mappedFiles(`${folder}/maps`)) if (matches(path, sought)) add("mapped", path);
    return found;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH") return found.size > 0 ? found : "gone";
    if (found.size > 0) return found;
    if (errno === "EACCES" || errno === "EPERM") return isKernelThread(folder) ? "gone" : "unseen";
    throw error;
  }
}

/** Threads of the kernel have no files, and their folders are root's. Source: PF_KTHREAD in field 9 of proc_pid_stat(5). */
function isKernelThread(folder: string): boolean {
  try {
    const stat = readFileSync(`${folder}/stat`, "utf8");
    return (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[6]) & 0x0020_0000) !== 0;
  } catch {
    return false;
  }
}

function lookAtDescriptor(link: string, sought: Sought): string | undefined {
  let path: string;
  try {
    path = clean(readlinkSync(link));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined; // closed meanwhile
    throw error;
  }
  if (!path.startsWith("/")) return undefined; // a pipe, a socket
  if (matches(path, sought)) return path;
  // Another name of the same file: a hard link, or another mount.
  if (sought.byInode.size === 0) return undefined;
  try {
    const { dev, ino } = statSync(link, { bigint: true });
    return sought.byInode.get(`${dev}:${ino}`);
  } catch {
    return undefined; // closed meanwhile
  }
}

/** A file that was removed while it was open keeps its path, with a remark. */
function clean(path: string): string {
  return path.endsWith(" (deleted)") ? path.slice(0, -" (deleted)".length) : path;
}

function matches(path: string, { files, trees }: Sought): boolean {
  return files.has(path) || within(path, trees);
}

function within(path: string, trees: readonly string[]): boolean {
  return trees.some((tree) => path === tree || path.startsWith(`${tree}/`));
}

function mappedFiles(maps: string): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const line of readFileSync(maps, "utf8").split("\n")) {
    const at = line.indexOf("/");
    if (at !== -1) paths.add(clean(line.slice(at)));
  }
  return paths;
}

function commandOf(proc: string, pid: number): string {
  try {
    return readFileSync(`${proc}/${pid}/comm`, "utf8").trim();
  } catch {
    return "a process that has ended";
  }
}
