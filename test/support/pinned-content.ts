import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { readContent, type Content, type Reading, type Span } from "../../src/vault/index.ts";

type Staged = Extract<Content, { kind: "staged" }>;

/** The one entry of a pinned reading; its entries have ended. */
export async function pinnedContent(reading: Reading): Promise<Staged> {
  const contents: Content[] = [];
  for await (const { content } of reading.entries()) contents.push(content);
  const [content] = contents;
  if (content?.kind !== "staged" || contents.length !== 1) throw new Error(`The content is ${content?.kind}`);
  return content;
}

/** Writes to `path` what the spans are now. */
export function copyOf(spans: readonly Span[], path: string): string {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  const into = openSync(path, "wx");
  for (const step of readContent({ kind: "staged", spans, movable: false }, Buffer.alloc(64 * 1024)))
    if (step.step === "bytes") writeSync(into, step.bytes);
  closeSync(into);
  return path;
}
