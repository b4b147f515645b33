/** Columns as wide as their widest cell, two spaces apart; the last one is not padded. Control characters are shown as escapes. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const cells = [header, ...rows.map((row) => row.map(printable))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Control characters, and the marks that turn the direction of a text around. */
const UNSEEN = "\\u0000-\\u001F\\u007F-\\u009F\\u061C\\u200E\\u200F\\u2028-\\u202E\\u2066-\\u2069";
const IN_A_CELL = new RegExp(`[${UNSEEN}]`, "gu");
/** Line breaks and tabs are layout, and colours are ours; a colour in a name does no harm. */
const IN_TEXT = new RegExp(`\\u001B\\[\\d{1,2}m|[\\n\\t]|[${UNSEEN}]`, "gu");

/** A file name may hold a newline or an escape sequence; on a terminal it must not act. */
export function printable(text: string): string {
  return text.replaceAll(IN_A_CELL, escaped);
}

/** The same for whole lines, which may be coloured and more than one. */
export function printableLines(text: string): string {
  return text.replaceAll(IN_TEXT, (found) => (found.length > 1 || found === "\n" || found === "\t" ? found : escaped(found)));
}

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f" };

function escaped(character: string): string {
  return SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
