import { dirname, isAbsolute, sep } from "node:path";
import { isMap, isScalar, parseDocument, Scalar, type Document, type YAMLMap } from "yaml";
import { ConfigError } from "../kernel/index.ts";
import { nameFrom } from "./build-config.ts";
import { absolutePath } from "./path-text.ts";

/** `--map OLD=NEW`: absolute, normalised, whole path segments. */
export interface PathMap {
  readonly from: string;
  readonly to: string;
}

export interface RewriteRequest {
  /** Where the text is going to lie: relative paths are relative to its folder. */
  readonly file: string;
  readonly text: string;
  readonly maps: readonly PathMap[];
  /** Absolute folder that `backup.path` must name. */
  readonly vault: string;
  /** What the instance must be called. */
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A key whose value is another one than before. */
export interface ConfigChange {
  /** "components.state.path.from" */
  readonly key: string;
  /** null: it was not there. */
  readonly before: string | null;
  readonly after: string;
}

interface PlacedChange extends ConfigChange {
  readonly path: Path;
}

export interface Rewritten {
  readonly text: string;
  readonly changes: readonly ConfigChange[];
  /** Those maps that a path of the configuration begins with. */
  readonly used: ReadonlySet<PathMap>;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Longest first; a path that none of them fits stays. */
export function mapPath(path: string, maps: readonly PathMap[]): { readonly path: string; readonly by: PathMap | undefined } {
  const by = maps
    .filter(({ from }) => path === from || path.startsWith(from.endsWith(sep) ? from : from + sep))
    .toSorted((a, b) => b.from.length - a.from.length)[0];
  if (by === undefined) return { path, by };
  const rest = path.slice(by.from.length).replace(/^\/+/, "");
  return { path: rest === "" ? by.to : `${by.to === sep ? "" : by.to}${sep}${rest}`, by };
}

/**
 * Changes paths and names of a configuration in its text, at the very places where they stand: every comment, every
 * blank and the form (YAML or JSON) stay. What it holds is for `parseConfig` to judge, before and after.
 */
export function rewriteConfig(request: RewriteRequest): Rewritten {
  const { text } = request;
  const edits: Edit[] = [];
  const changes: PlacedChange[] = [];
  const used = new Set<PathMap>();
  const document = parse(text);
  if (document.errors.length > 0) return { text, changes, used };
  const data: unknown = document.toJS({ maxAliasCount: 100 });
  for (const path of pathKeys(document)) {
    const before = textAt(data, path);
    if (before === undefined || !isAbsolute(before)) continue;
    const { path: after, by } = mapPath(before, request.maps);
    if (by !== undefined) used.add(by);
    if (path.join(".") === "backup.path" || after === before) continue;
    edits.push(replaceValue(document, path, after));
    changes.push({ path, key: path.join("."), before, after });
  }
  const vault = textAt(data, ["backup", "path"]);
  if (vault === undefined || absolutePath(dirname(request.file), vault, request.env) !== request.vault) {
    edits.push(setText(document, text, ["backup", "path"], request.vault));
    changes.push({ path: ["backup", "path"], key: "backup.path", before: vault ?? null, after: request.vault });
  }
  const name = textAt(data, ["name"]);
  if ((name ?? nameFrom(dirname(request.file))) !== request.name) {
    edits.push(setText(document, text, ["name"], request.name));
    changes.push({ path: ["name"], key: "name", before: name ?? null, after: request.name });
  }
  const rewritten = applied(text, edits);
  checkChanges(request.file, rewritten, changes);
  return { text: rewritten, changes: changes.map(({ key, before, after }) => ({ key, before, after })), used };
}

function parse(text: string): Document {
  return parseDocument(text, { prettyErrors: false, uniqueKeys: false, schema: "core" });
}

/** A value behind an alias has no place of its own in the text; where its anchor stands it may be another key's as well. */
function checkChanges(file: string, text: string, changes: readonly PlacedChange[]): void {
  const data: unknown = parse(text).toJS({ maxAliasCount: 100 });
  for (const { path, key, after } of changes) {
    if (textAt(data, path) === after) continue;
    throw new ConfigError("CONFIG_INVALID", `Cannot change \`${key}\` of "${file}" to "${after}": it stands behind an alias`, {
      hint: "Take the configuration out of the backup, write that value out by hand, and restore with it; nothing was changed",
    });
  }
}

type Path = readonly string[];

/** Keys that hold a path on disk. */
function pathKeys(document: Document): Path[] {
  const components = document.get("components", true);
  const names = isMap(components) ? components.items.flatMap(({ key }) => (isScalar(key) ? [String(key.value)] : [])) : [];
  return [
    ["state_dir"],
    ["backup", "path"],
    ["backup", "encryption", "key_file"],
    ["backup", "encryption", "passphrase_file"],
    ...names.flatMap((name) => [
      ["components", name, "path"],
      ["components", name, "path", "from"],
    ]),
  ];
}

function textAt(data: unknown, path: Path): string | undefined {
  let value = data;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === "string" ? value : undefined;
}

function replaceValue(document: Document, path: Path, value: string): Edit {
  const node = document.getIn(path, true);
  if (!isRanged(node)) return { start: 0, end: 0, text: "" };
  const [start, end] = node.range;
  const block = isScalar(node) && (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL);
  const plain = isScalar(node) && node.type === Scalar.PLAIN && /^\/[\w./-]*$/.test(value);
  return { start, end, text: `${plain ? value : JSON.stringify(value)}${block ? "\n" : ""}` };
}

function setText(document: Document, text: string, path: Path, value: string): Edit {
  if (isRanged(document.getIn(path, true))) {
    const edit = replaceValue(document, path, value);
    // `path:` with nothing behind it has an empty place right after the colon.
    return edit.start === edit.end ? { ...edit, text: ` ${edit.text}` } : edit;
  }
  const [key = "", ...rest] = path.toReversed();
  const above = rest.length === 0 ? document.contents : document.getIn(rest.toReversed(), true);
  if (isMap(above) && isRanged(above)) return insert(above, text, key, JSON.stringify(value));
  const root = document.contents;
  if (isRanged(above)) return { start: above.range[0], end: above.range[1], text: ` { ${JSON.stringify(key)}: ${JSON.stringify(value)} }` };
  if (isMap(root) && isRanged(root)) return insert(root, text, rest[0] ?? key, `{ ${JSON.stringify(key)}: ${JSON.stringify(value)} }`);
  return { start: 0, end: 0, text: "" };
}

/** A key as the first of a map, in the form that the map has. */
function insert(map: YAMLMap & Ranged, text: string, key: string, value: string): Edit {
  const [start] = map.range;
  if (text[start] === "{")
    return { start: start + 1, end: start + 1, text: ` ${JSON.stringify(key)}: ${value}${map.items.length === 0 ? " " : ","}` };
  const column = start - (text.lastIndexOf("\n", start - 1) + 1);
  return { start, end: start, text: `${key}: ${value}\n${" ".repeat(column)}` };
}

interface Ranged {
  readonly range: readonly [number, number, number];
}

function isRanged(node: unknown): node is Ranged {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

/** From the end to the beginning, so that no edit moves the place of another. */
function applied(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { start, end, text: piece } of edits.toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + piece + result.slice(end);
  }
  return result;
}
