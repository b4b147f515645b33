import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { findCycles } from "./find-cycles.ts";
import { ROOMS, type Room } from "./rooms.ts";
import { scanImports, type ScannedModule } from "./scan-imports.ts";

export interface RoomsReport {
  readonly files: number;
  readonly imports: number;
  /** `src/a/b.ts:3: …`; none means that the house is in order. */
  readonly problems: readonly string[];
  /** Files over 300 lines: allowed, and worth a look. */
  readonly long: readonly string[];
}

const MOST_LINES = 500;
const MANY_LINES = 300;
/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /^(utils?|helpers?|common|types?|misc|shared|managers?|services?)$/;

interface SourceFile extends ScannedModule {
  /** Relative to the checkout, "/" between names. */
  readonly path: string;
  readonly room: Room | undefined;
  readonly test: boolean;
  readonly text: string;
}

/** Holds every module below `<root>/src` to the table of rooms and to the rules of naming and size. */
export function checkRooms(root: string, rooms: readonly Room[] = ROOMS): RoomsReport {
  const files = new Map(readSources(root, rooms).map((file) => [file.path, file]));
  const problems: string[] = [];
  const long: string[] = [];
  const edges = new Map<string, string[]>();
  let imports = 0;
  for (const file of files.values()) {
    problems.push(...fileProblems(file));
    const lines = file.text.split("\n").length - 1;
    if (lines > MOST_LINES) problems.push(`${file.path}: has ${lines} lines, at most ${MOST_LINES} are allowed`);
    else if (lines > MANY_LINES) long.push(`${file.path} (${lines} lines)`);
    const loaded: string[] = [];
    for (const statement of file.imports) {
      imports += 1;
      if (!statement.specifier.startsWith(".")) continue;
      const target = posix.join(posix.dirname(file.path), statement.specifier);
      if (!statement.typeOnly) loaded.push(target);
      const problem = importProblem(file, target, statement.typeOnly, files, root, rooms);
      if (problem !== undefined) problems.push(`${file.path}:${statement.line}: ${problem}`);
    }
    edges.set(file.path, loaded);
  }
  for (const cycle of findCycles(edges)) problems.push(`import cycle: ${cycle.join(" -> ")}`);
  if (files.size === 0) problems.push("no source file was found");
  if (imports === 0) problems.push("no import was found");
  return { files: files.size, imports, problems, long };
}

function readSources(root: string, rooms: readonly Room[]): SourceFile[] {
  const src = join(root, "src");
  if (!statSync(src, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name)).split(sep).join("/");
      const text = readFileSync(join(root, path), "utf8");
      return { path, text, room: roomOf(path, rooms), test: /\.test\.tsx?$/.test(path), ...scanImports(text) };
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function roomOf(path: string, rooms: readonly Room[]): Room | undefined {
  const [, name] = path.split("/");
  return rooms.find((room) => room.name === name);
}

function fileProblems(file: SourceFile): string[] {
  const problems: string[] = [];
  if (file.room === undefined) problems.push(`${file.path}: belongs to no room; scripts/rooms.ts has no row for it`);
  for (const name of file.path.split("/").slice(1)) {
    if (EMPTY_NAMES.test(name.replace(/\..*$/, "")))
      problems.push(`${file.path}: the name "${name}" says nothing; name it after what it exports`);
  }
  if (/(?<![.\w$])process\s*\.\s*exit\s*\(/.test(file.code) && file.room?.name !== "cli") {
    problems.push(`${file.path}: process.exit() is for src/cli and bin alone; set an exit code or throw`);
  }
  const urls = file.test ? [] : file.code.matchAll(/\bnew\s+URL\s*\(\s*" *"\s*,\s*import\.meta\.url/g);
  for (const { index, 0: found } of urls) {
    if (!/\.ts["']/.test(file.text.slice(index, index + found.length))) continue;
    problems.push(`${file.path}: a module is found with entryPoint(), because new URL("./x.ts") breaks in the built package`);
  }
  if (basename(file.path) === "index.ts" && !opensWithComment(file.text)) {
    problems.push(`${file.path}: a door opens with 3 to 10 comment lines: what the room is, what it never does, its invariants`);
  }
  return problems;
}

function opensWithComment(text: string): boolean {
  const block = /^\/\*\*?[\s\S]*?\*\//.exec(text)?.[0] ?? /^(?:\/\/[^\n]*\n)+/.exec(text)?.[0].trimEnd() ?? "";
  const lines = block.split("\n").length;
  return lines >= 3 && lines <= 10;
}

function importProblem(
  file: SourceFile,
  target: string,
  typeOnly: boolean,
  files: ReadonlyMap<string, SourceFile>,
  root: string,
  rooms: readonly Room[],
): string | undefined {
  if (!target.startsWith("src/")) {
    if (file.test && target.startsWith("test/support/")) return undefined;
    return `imports "${target}", which lies outside src`;
  }
  if (!files.has(target)) {
    const there = statSync(join(root, target), { throwIfNoEntry: false })?.isFile() === true;
    return there ? undefined : `imports "${target}", which is not there (relative imports end in .ts)`;
  }
  const from = file.room;
  const to = roomOf(target, rooms);
  if (from === undefined || to === undefined || from === to) return undefined;
  const door = to.name.endsWith(".ts") ? `src/${to.name}` : `src/${to.name}/index.ts`;
  if (target !== door) return `imports "${target}" past the door; import "${door}"`;
  // A test may run the public contract suites, and compare its room's types with any other room's.
  if (file.test && (typeOnly || to.name === "testing")) return undefined;
  if (from.mayImport.includes(to.name)) return undefined;
  if (from.mayImport.some((allowed) => typeof allowed === "object" && allowed.typesOf === to.name)) {
    return typeOnly ? undefined : `"${from.name}" may import only types of "${to.name}"; write "import type"`;
  }
  return `room "${from.name}" may not import room "${to.name}"`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = checkRooms(dirname(dirname(fileURLToPath(import.meta.url))));
  for (const file of report.long) console.log(`over ${MANY_LINES} lines: ${file}`);
  for (const problem of report.problems) console.error(problem);
  console.log(`check-rooms: ${report.files} files, ${report.imports} imports, ${report.problems.length} problems`);
  process.exitCode = report.problems.length > 0 ? 1 : 0;
}
