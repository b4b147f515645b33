import { readdirSync } from "node:fs";

export interface Names {
  /** Bytewise sorted. */
  readonly names: readonly string[];
  /** Not UTF-8: no entry can carry them. */
  readonly foreign: readonly Buffer[];
}

/**
 * The names in a folder. Read as text, because a million Buffers cost five times the memory; only a folder
 * with a replacement character in it is read again as bytes, to tell a real one from a name that is not UTF-8.
 */
export function namesIn(folder: string): Names {
  const names = readdirSync(folder);
  if (!names.some((name) => name.includes("\uFFFD"))) return { names: sortBytewise(names), foreign: [] };
  const good: string[] = [];
  const foreign: Buffer[] = [];
  for (const bytes of readdirSync(folder, { encoding: "buffer" })) {
    const name = bytes.toString("utf8");
    if (Buffer.from(name, "utf8").equals(bytes)) good.push(name);
    else foreign.push(bytes);
  }
  return { names: sortBytewise(good), foreign: foreign.toSorted((a, b) => a.compare(b)) };
}

/** UTF-16 order is the order of the bytes except around surrogates. */
function sortBytewise(names: readonly string[]): string[] {
  if (!names.some((name) => /[\uD800-\uFFFF]/.test(name))) return names.toSorted();
  return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** A name that is not UTF-8, for people: "caf\xe9". */
export function showBytes(bytes: Buffer): string {
  let text = "";
  for (let index = 0; index < bytes.length;) {
    const lead = bytes[index] ?? 0;
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const part = bytes.subarray(index, index + length);
    const shown = part.toString("utf8");
    if (Buffer.from(shown, "utf8").equals(part) && part.length === length) {
      text += shown;
      index += length;
    } else {
      text += `\\x${lead.toString(16).padStart(2, "0")}`;
      index += 1;
    }
  }
  return text;
}
