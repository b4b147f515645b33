import { ConfigError, type Position } from "../kernel/index.ts";

/** Keys and list indices from the top of the configuration. */
export type KeyPath = readonly (string | number)[];

/** A place in the file, or the environment variable that the value came from. */
export type Place = Position | { readonly variable: string };

/** One thing that is wrong. Problems are collected, so that one run tells all of them. */
export interface Problem {
  /** "backup.include[0]"; empty for the document as a whole. */
  readonly key: string;
  readonly message: string;
  readonly place: Place;
  readonly hint?: string;
}

/** More than this many in one message bury the first; `details.problems` has all. */
const SHOWN = 20;
/** Columns of a source line that are shown around a position. */
const EXCERPT = 100;

/** Takes down a problem at a key, or at what stands after it. */
export type Report = (path: KeyPath, at: "key" | "value", message: string, hint?: { readonly hint?: string }) => void;

export function keyText(path: KeyPath): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${part}`)).join("");
}

/** "Did you mean `path`?", when something is near. */
export function meant(near: string | undefined): { readonly hint?: string } {
  return near === undefined ? {} : { hint: `Did you mean \`${near}\`?` };
}

/** All problems as one error. `text` is the file's content, for the lines that are shown. */
export function configInvalid(file: string, text: string, problems: readonly Problem[], cause?: unknown): ConfigError {
  const sorted = problems.toSorted((a, b) => order(a.place) - order(b.place));
  const lines = text.split("\n");
  const shown = sorted.slice(0, SHOWN).map((problem) => render(problem, lines));
  if (sorted.length > SHOWN) shown.push(`and ${sorted.length - SHOWN} more`);
  const first = sorted[0]?.place;
  return new ConfigError(
    "CONFIG_INVALID",
    `Cannot use "${file}": ${sorted.length === 1 ? "1 problem" : `${sorted.length} problems`}\n\n${shown.join("\n\n")}\n`,
    {
      cause,
      hint: "Correct what is named above, then run the command again; nothing was done",
      ...(first === undefined || "variable" in first ? {} : { position: first }),
      details: { problems: sorted.map(({ place, ...rest }) => ({ ...rest, ...place })) },
    },
  );
}

/** The file's problems by line, then those of variables. A line has fewer than a million columns: files are capped below that. */
function order(place: Place): number {
  return "variable" in place ? Number.MAX_SAFE_INTEGER : place.line * 1_000_000 + Math.min(place.column, 999_999);
}

function render({ message, place, hint }: Problem, lines: readonly string[]): string {
  const tail = hint === undefined ? "" : `\n  ${hint}`;
  if ("variable" in place) return `${place.variable}: ${message}${tail}`;
  return `${place.file}:${place.line}:${place.column}: ${message}\n${excerpt(lines[place.line - 1] ?? "", place.column)}${tail}`;
}

/** The source line with a caret under the column; a tab stays a tab, so that the caret stands where the eye expects it. */
function excerpt(line: string, column: number): string {
  const start = Math.max(0, column - 1 - EXCERPT / 2);
  // A control character could move the cursor of the terminal that shows it.
  const shown = line.slice(start, start + EXCERPT).replaceAll(/[^\P{Cc}\t]/gu, "");
  const before = line.slice(start, column - 1).replaceAll(/[^\P{Cc}\t]/gu, "");
  const lead = start > 0 ? "..." : "";
  return `    ${lead}${shown}\n    ${" ".repeat(lead.length)}${before.replaceAll(/[^\t]/gu, " ")}^`;
}
