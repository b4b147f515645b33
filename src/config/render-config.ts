import { parse } from "yaml";
import { schemeOf } from "./path-text.ts";

export interface RenderComponent {
  readonly name: string;
  /** Relative to the configuration's folder, or absolute. */
  readonly path: string;
  readonly kind?: string;
  readonly importance?: string;
  readonly exclude?: readonly string[];
  /** Why it is here; one line. */
  readonly comment?: string;
  /** A guess: written commented out. */
  readonly suggested: boolean;
}

export interface RenderRequest {
  readonly name: string;
  readonly backupPath: string;
  /** Of a vault in repository form; archive form unless given. */
  readonly encryption?: "none" | { readonly keyFile: string };
  readonly components: readonly RenderComponent[];
}

/** Kinds worth pinning: a database that became an empty file must not pass for a file (openclaw PR#113287). */
const PINNED = new Set(["sqlite"]);

/** The text of a new holdfast.yaml: what was found, and why; guesses are commented out. */
export function renderConfig({ name, backupPath, encryption, components }: RenderRequest): string {
  const sure = components.filter(({ suggested }) => !suggested);
  const guesses = components.filter(({ suggested }) => suggested);
  const lines = [
    "# What Holdfast protects, and where the backups go. Relative paths are relative to this file's folder.",
    "# Any key can be overridden by the environment: HOLDFAST_BACKUP__PATH is backup.path.",
    "",
    `name: ${scalar(name)}`,
    "",
    "components:",
    ...sure.flatMap((component) => [...comment(component), ...block(component)]),
  ];
  if (guesses.length > 0) {
    lines.push("", '  # Guesses. To protect one, take the "# " away from its lines.');
    for (const component of guesses) lines.push("", ...comment(component), ...block(component).map((line) => `  # ${line.slice(2)}`));
  }
  lines.push("", "backup:", `  path: ${scalar(plainPath(backupPath))}`, ...(encryption === undefined ? ARCHIVE : repository(encryption)));
  lines.push("", "# The daemon reads some of what is stored back every day, what was not read for the longest time first.", VERIFY);
  return `${lines.join("\n")}\n`;
}

const VERIFY = "verify: { every: 1d, sample: 10%, max_age: 30d }";
const ARCHIVE: readonly string[] = ["  # One .tar.gz per backup; false keeps a plain folder per backup.", "  compression: true"];

function repository(encryption: NonNullable<RenderRequest["encryption"]>): readonly string[] {
  const form = [
    "  # Packs that all backups share: a backup costs what changed. `archive` keeps one .tar.gz per backup.",
    "  format: repository",
  ];
  if (encryption === "none") return [...form, "  encryption: none"];
  return [
    ...form,
    "  # Without this file no backup can be read. Keep a copy off this machine.",
    "  encryption:",
    `    key_file: ${scalar(plainPath(encryption.keyFile))}`,
  ];
}

function comment({ comment: text }: RenderComponent): string[] {
  // A line break in a file's name must not end the comment.
  return text === undefined || text === "" ? [] : [`  # ${text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")}`];
}

function block({ name, path, kind, importance, exclude = [] }: RenderComponent): string[] {
  return [
    `  ${scalar(name)}:`,
    `    path: ${scalar(plainPath(path))}`,
    ...(kind !== undefined && PINNED.has(kind) ? [`    kind: ${kind}`] : []),
    ...(importance === undefined ? [] : [`    importance: ${importance}`]),
    ...(exclude.length === 0 ? [] : ["    exclude:", ...exclude.map((pattern) => `      - ${scalar(pattern)}`)]),
  ];
}

/** A relative path that would read as an address or a home folder begins with "./". */
function plainPath(path: string): string {
  if (path === "") return ".";
  return schemeOf(path) !== undefined || path.startsWith("~") ? `./${path}` : path;
}

/** Plain where nobody could misread it, else in double quotes, whose JSON form is YAML as well. */
function scalar(text: string): string {
  const plain = /^[A-Za-z0-9_./][A-Za-z0-9_./-]*$/.test(text) && parse(text) === text;
  // DEL and the C1 controls, the byte order mark and the line separators are valid in JSON and not shown by an editor.
  return plain
    ? text
    : JSON.stringify(text).replaceAll(
        /[\u007F-\u009F\u2028\u2029\uFEFF]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
}
