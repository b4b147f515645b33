import { STEP_BYTES, type FilePart, type LocatedFile, type WriteStep } from "./write-located.ts";

/** Files with what lies near each other in the backup. */
export interface NearFile {
  readonly file: LocatedFile;
  /** See LocatedContent. */
  readonly near: string | undefined;
  readonly divisible: boolean;
}

/** What one thread does in a row. */
export type Work = readonly WriteStep[];

/** Files that are looked at together: what lies near each other among them is read once, in however many backups it was stored. */
const WINDOW_FILES = 4096;
const WINDOW_BYTES = 64 * 1024 * 1024;
/** Of a large file that can be divided; as many groups as fill it. Bytes. */
export const PART_BYTES: number = 32 * 1024 * 1024;
const WORK_FILES = 1024;
const WORK_BYTES = 2 * 1024 * 1024;

/**
 * Cuts the files of a restore into work for threads: each large one is one work, or one for each of its parts; small ones are put
 * together by where they lie.
 */
export async function* cutWork(files: AsyncIterable<NearFile>): AsyncGenerator<Work, void> {
  let groups = new Map<string, LocatedFile[]>();
  let count = 0;
  let bytes = 0;
  let number = 0;
  for await (const { file, near, divisible } of files) {
    if (near === undefined) {
      for (const part of divisible ? partsOf(file) : [undefined]) yield largeWork(file, part, (number += 1));
      continue;
    }
    const group = groups.get(near);
    if (group === undefined) groups.set(near, [file]);
    else group.push(file);
    count += 1;
    bytes += file.size;
    if (count < WINDOW_FILES && bytes < WINDOW_BYTES) continue;
    yield* smallWork(groups.values());
    groups = new Map();
    count = 0;
    bytes = 0;
  }
  yield* smallWork(groups.values());
}

function largeWork(file: LocatedFile, part: FilePart | undefined, number: number): Work {
  const bytes = part === undefined ? file.size : part.to - part.from;
  // One more than its bytes take, in which its end is met.
  const more = Math.ceil((bytes + 1) / STEP_BYTES) - 1;
  const begin: WriteStep = { kind: "begin", number, file, ...(part === undefined ? {} : { part }) };
  return [begin, ...Array.from({ length: more }, () => ({ kind: "go-on", number }) as const)];
}

/** A hash of all its bytes in a row is made by one thread. */
function partsOf({ size, proof }: LocatedFile): readonly (FilePart | undefined)[] {
  const parts = Math.ceil(size / PART_BYTES);
  if (parts < 2 || proof.sha256 !== undefined || proof.pages_sha256 === undefined) return [undefined];
  return Array.from({ length: parts }, (_, index) => {
    const from = index * PART_BYTES;
    return { parts, from, to: Math.min(size, from + PART_BYTES) };
  });
}

/** Groups stay whole: a part of one in another thread would be read twice. */
function* smallWork(groups: Iterable<readonly LocatedFile[]>): Generator<Work> {
  let files: LocatedFile[] = [];
  let bytes = 0;
  for (const group of groups) {
    files.push(...group);
    bytes += group.reduce((sum, { size }) => sum + size, 0);
    if (files.length < WORK_FILES && bytes < WORK_BYTES) continue;
    yield [{ kind: "files", files }];
    files = [];
    bytes = 0;
  }
  if (files.length > 0) yield [{ kind: "files", files }];
}
