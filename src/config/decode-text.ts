/** Text of a file, or the line and column (from 1) of the first byte that is no text. */
export type Decoded = { readonly text: string } | { readonly line: number; readonly column: number; readonly what: string };

/** Strict UTF-8; a byte order mark is dropped. Control characters other than tab and line ends are no text. */
export function decodeText(bytes: Buffer): Decoded {
  const text = bytes.toString("utf8");
  const again = Buffer.from(text);
  if (!again.equals(bytes)) {
    const wrong = bytes.findIndex((byte, index) => byte !== again[index]);
    return { ...positionAfter(bytes.subarray(0, Math.max(0, wrong)).toString("utf8")), what: "not UTF-8" };
  }
  const control = text.search(/[^\P{Cc}\t\n\r\u0085]/u);
  if (control !== -1) {
    const code = text.charCodeAt(control).toString(16).toUpperCase().padStart(4, "0");
    return { ...positionAfter(text.slice(0, control)), what: `control character U+${code}` };
  }
  return { text: text.startsWith("\uFEFF") ? text.slice(1) : text };
}

function positionAfter(before: string): { readonly line: number; readonly column: number } {
  const lines = before.split("\n");
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
}
