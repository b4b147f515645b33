import { accessSync, closeSync, constants, lstatSync, openSync, readdirSync, readSync, type Dirent } from "node:fs";
import { extname, join } from "node:path";
import { errnoOf, identityAt, identityKey, type FileIdentity } from "../kernel/index.ts";
import { measureFolder } from "./measure-folder.ts";

/** Something found that can be protected. */
export interface Detected {
  readonly name: string;
  /** Relative to the folder that was searched. */
  readonly path: string;
  readonly kind: "sqlite" | "tree" | "json" | "file";
  readonly bytes: number;
  readonly files: number;
  readonly exclude: readonly string[];
  /** A guess that a person should confirm: written commented out. */
  readonly suggested: boolean;
  /** Why it is taken, or only suggested. */
  readonly why: string;
}

export interface Detection {
  readonly found: readonly Detected[];
  /** Seen and left out, with the reason. */
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

/** Folders that a tool makes again. */
const REBUILDABLE = new Set([
  "node_modules",
  ".git",
  ".hg",
  ".svn",
  ".venv",
  "venv",
  "__pycache__",
  ".cache",
  "cache",
  "tmp",
  ".tmp",
  ".npm",
  "target",
  "dist",
  "build",
]);
/** Folders that hold programs and their texts, as a rule under version control. */
const PROGRAM = new Set([
  "src",
  "lib",
  "bin",
  "scripts",
  "docs",
  "doc",
  "test",
  "tests",
  "packages",
  "examples",
  ".github",
  ".vscode",
  ".idea",
]);
const CONFIGURATION = new Set([".yaml", ".yml", ".toml", ".ini", ".conf", ".cfg", ".env"]);
const SIDECAR = /-(wal|shm|journal)$/;
const OWN = /^holdfast\.(ya?ml|json)$/;
/** How deep databases are looked for. */
const DEPTH = 3;

/** Looks for state in a folder: databases by their header, configuration files, trees with their sizes. */
export function detect(folder: string, avoid: readonly FileIdentity[]): Detection {
  const search = new Search(folder, new Set(avoid.map(identityKey)));
  search.look("", 0);
  return search.result();
}

class Search {
  readonly #found: Detected[] = [];
  readonly #left: { path: string; why: string }[] = [];
  readonly #folder: string;
  readonly #avoid: ReadonlySet<string>;

  constructor(folder: string, avoid: ReadonlySet<string>) {
    this.#folder = folder;
    this.#avoid = avoid;
  }

  result(): Detection {
    const databases = this.#found.filter(({ kind }) => kind === "sqlite");
    const configurations = this.#found.filter(({ why }) => why === "configuration");
    const taken = new Set<string>();
    const named = this.#found.map((item) => {
      // The names that synthorg#449 gave these two, when there is no doubt which one is meant.
      const wish =
        databases.length === 1 && databases[0] === item
          ? "persistence"
          : configurations.length === 1 && configurations[0] === item
            ? "config"
            : item.name;
      return { ...item, name: freeName(wish, taken) };
    });
    return { found: named, left: this.#left };
  }

  /** Files and folders directly inside `relative`; returns what a tree around them would have to exclude. */
  look(relative: string, depth: number): void {
    const loose: string[] = [];
    const claimed: string[] = [];
    for (const entry of this.#list(relative)) {
      const path = join(relative, entry.name);
      if (this.#isOwn(entry, path)) {
        claimed.push(entry.name);
      } else if (entry.isDirectory()) {
        if (this.#lookAtFolder(path, entry.name, depth)) claimed.push(entry.name);
      } else if (entry.isFile() && this.#lookAtFile(path, entry.name, relative === "")) {
        claimed.push(entry.name);
      } else if (!SIDECAR.test(entry.name)) {
        loose.push(entry.name);
      }
    }
    if (loose.length === 0) return;
    if (relative === "") {
      for (const name of loose) this.#left.push({ path: name, why: "a loose file; declare it when it is state" });
      return;
    }
    const exclude = claimed.map((name) => `/${literally(name)}`);
    this.#tree(relative, exclude, false, "files beside a database");
  }

  #list(relative: string): Dirent[] {
    return readdirSync(join(this.#folder, relative), { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #isOwn(entry: Dirent, path: string): boolean {
    if (path === entry.name && OWN.test(entry.name)) return true;
    const identity = entry.isDirectory() ? identityAt(join(this.#folder, path)) : undefined;
    return identity !== undefined && this.#avoid.has(identityKey(identity));
  }

  /** Whether it is dealt with. What cannot be read stays in the tree around it, whose backup then says so. */
  #lookAtFolder(path: string, name: string, depth: number): boolean {
    if (REBUILDABLE.has(name)) {
      this.#left.push({ path: `${path}/`, why: "can be made again by the tool that made it" });
    } else if (!isReadable(join(this.#folder, path))) {
      this.#left.push({ path: `${path}/`, why: UNREADABLE });
      return false;
    } else if (depth === 0 && PROGRAM.has(name)) {
      this.#tree(path, [], true, "looks like a program and not like state");
    } else if (depth < DEPTH && this.#holdsDatabase(path)) {
      this.look(path, depth + 1);
    } else {
      this.#tree(path, [], false, "folder");
    }
    return true;
  }

  #lookAtFile(path: string, name: string, top: boolean): boolean {
    const full = join(this.#folder, path);
    const size = lstatSync(full).size + (lstatSync(`${full}-wal`, { throwIfNoEntry: false })?.size ?? 0);
    const take = (kind: Detected["kind"], why: string): boolean => {
      this.#found.push({ name: slug(name), path, kind, bytes: size, files: 1, exclude: [], suggested: false, why });
      return true;
    };
    const database = isDatabase(full);
    if (database === undefined) {
      this.#left.push({ path, why: UNREADABLE });
      return top;
    }
    if (database) return take("sqlite", "SQLite database");
    const extension = name.startsWith(".env") ? ".env" : extname(name);
    if (!top || size === 0 || /^(package(-lock)?|tsconfig)\.json$/.test(name)) return false;
    if (extension === ".json") return take("json", "JSON document");
    return CONFIGURATION.has(extension) && !/lock\.ya?ml$/.test(name) ? take("file", "configuration") : false;
  }

  #holdsDatabase(path: string): boolean {
    return this.#list(path).some((entry) => entry.isFile() && isDatabase(join(this.#folder, path, entry.name)) === true);
  }

  #tree(path: string, exclude: readonly string[], suggested: boolean, why: string): void {
    const { bytes, files } = measureFolder(join(this.#folder, path));
    this.#found.push({ name: slug(path.split("/").at(-1) ?? path), path, kind: "tree", bytes, files, exclude, suggested, why });
  }
}

const UNREADABLE = "cannot be read by this account";

function isReadable(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A name as a gitignore pattern that matches nothing else. */
function literally(name: string): string {
  return name.replaceAll(/[\\*?[\] ]/g, String.raw`\$&`);
}

/** The longest that a name becomes; a number may follow. */
const LONGEST_NAME = 100;

function slug(name: string): string {
  const plain = name
    .replace(/\.[^.]+$/, (extension) => (name === extension ? extension : ""))
    .replaceAll(/[^A-Za-z0-9]+/g, "-")
    .slice(0, LONGEST_NAME)
    .replaceAll(/^-+|-+$/g, "");
  return plain.toLowerCase() || "data";
}

function freeName(wish: string, taken: Set<string>): string {
  let name = wish === "holdfast" ? "holdfast-data" : wish;
  for (let n = 2; taken.has(name); n += 1) name = `${wish}-${n}`;
  taken.add(name);
  return name;
}

const HEADER = Buffer.from("SQLite format 3\0", "latin1");

/** Runs in the command's own process, which is never the database's host. undefined: not readable. */
function isDatabase(path: string): boolean | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (errnoOf(error) === "EACCES" || errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const head = Buffer.alloc(HEADER.length);
    return readSync(descriptor, head, 0, head.length, 0) === head.length && head.equals(HEADER);
  } finally {
    closeSync(descriptor);
  }
}
