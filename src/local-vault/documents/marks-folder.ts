import { readdirSync, readFileSync } from "node:fs";
import { crashpoint, errnoOf, namedSystemError, removeFile, replaceFile } from "../../kernel/index.ts";
import { MARK_KINDS, parseMark, type BackupId, type MarkKind, type Marks } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import { ANEW, type Reads } from "./read-before.ts";
import type { Damaged } from "./read-documents.ts";

/** Every mark of a vault, by backup. Marks need no lock: each is one file, replaced whole. */
export function readMarks(layout: Layout, damaged: Damaged[], reads: Reads = ANEW): Map<string, Marks> {
  const marks = new Map<string, Marks>();
  let names: string[];
  try {
    names = readdirSync(layout.marks);
  } catch (error) {
    throw namedSystemError(error, `read the marks of "${layout.top}"`);
  }
  for (const name of names) {
    for (const kind of MARK_KINDS) {
      const end = `.${kind}.json`;
      if (!name.endsWith(end) || name.startsWith(".")) continue;
      const id = name.slice(0, -end.length);
      const mark = readMark({ path: `${layout.marks}/${name}`, name, kind, id }, reads, damaged);
      if (mark !== undefined) marks.set(id, { ...marks.get(id), [kind]: mark });
    }
  }
  return marks;
}

interface MarkFile {
  readonly path: string;
  readonly name: string;
  readonly kind: MarkKind;
  readonly id: string;
}

function readMark({ path, name, kind, id }: MarkFile, reads: Reads, damaged: Damaged[]): Marks[MarkKind] {
  try {
    return reads.of(path, () => parseMark(readFileSync(path), kind, id));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined; // taken off meanwhile
    const failure = namedSystemError(error, `read the mark "${name}"`);
    damaged.push({ name: `marks/${name}`, problem: failure.message });
    // A pin that cannot be read still pins: the doubt goes to the side that keeps.
    return kind === "pin" ? { at: new Date(0).toISOString(), note: "This pin cannot be read" } : undefined;
  }
}

export function writeMark(layout: Layout, id: BackupId, kind: MarkKind, mark: object | null): void {
  try {
    if (mark === null) removeFile(layout.mark(id, kind));
    else replaceFile(layout.mark(id, kind), `${JSON.stringify(mark, null, 2)}\n`, 0o600, () => crashpoint("mark-before-publish"));
  } catch (error) {
    throw namedSystemError(error, `mark "${id}"`);
  }
  crashpoint("mark-published");
}
