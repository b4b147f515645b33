import { rmSync } from "node:fs";
import { CaptureError, InterruptedError, type Position } from "../kernel/index.ts";
import type { Reading, ReadingReport } from "../vault/index.ts";
import { stagedContent } from "./content.ts";
import { copyIntoStaging, type CopiedFile } from "./copy-into-staging.ts";
import { headOf } from "./head.ts";
import { problemInJson } from "./json-problem.ts";
import { FileMemory } from "./memory/file-memory.ts";
import type { Notes } from "./notes.ts";
import { readingOf } from "./reading-of.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { rootError, type Root } from "./root.ts";
import type { StagingFolder } from "./staging-folder.ts";
import { pause } from "./stop-signal.ts";
import { untouchedReading } from "./untouched-reading.ts";

/** Between tries; a document written in place is torn for a moment only. Milliseconds. */
const WAITS = [100, 300, 600, 1000];

/** A JSON document, stored byte for byte once a copy of it parses. */
export async function jsonReading(root: Root, request: ReadingRequest, notes: Notes, staging: StagingFolder): Promise<Reading> {
  const memory = FileMemory.of("json", root, request);
  const report = (): ReadingReport => ({ source: "json", resolved_path: root.real, ...notes.result() });
  if (memory?.isUntouched(root.stats) === true) return untouchedReading(report, request, staging);
  const { copied, target } = await wholeCopy(root, request, staging);
  const { content, size } = stagedContent(target);
  const head = { ...headOf(root.name, "file", copied.stats), size };
  return readingOf({
    signal: request.signal,
    *entries() {
      yield { head, content };
    },
    report,
    memory: () => memory?.toHead(copied.stats),
    close: () => staging.remove(),
  });
}

async function wholeCopy(root: Root, request: ReadingRequest, staging: StagingFolder): Promise<{ copied: CopiedFile; target: string }> {
  for (const wait of [...WAITS, undefined]) {
    const target = staging.fresh();
    let copied: CopiedFile;
    try {
      // Replaced by rename between two tries is how a careful writer writes: no identity is expected.
      copied = await copyIntoStaging(root.real, target, undefined, request.signal);
    } catch (cause) {
      if (cause instanceof CaptureError || cause instanceof InterruptedError) throw cause;
      throw rootError(root.path, request.component, cause);
    }
    const problem = copied.moved ? undefined : await problemInJson(target);
    if (!copied.moved && problem === undefined) return { copied, target };
    rmSync(target, { force: true });
    if (wait === undefined) throw failure(root.path, problem);
    await pause(wait, request.signal);
  }
  throw failure(root.path, undefined);
}

function failure(
  path: string,
  problem: { readonly line: number; readonly column: number; readonly message: string } | undefined,
): CaptureError {
  if (problem === undefined) {
    return new CaptureError("COMPONENT_MOVED", `"${path}" changed during each of ${WAITS.length + 1} readings`, {
      hint: "Let its writer replace it by rename, or pause it while it is backed up",
    });
  }
  const position: Position = { file: path, line: problem.line, column: problem.column };
  return new CaptureError(
    "DOCUMENT_INVALID",
    `"${path}" is no valid JSON at line ${problem.line}, column ${problem.column}: ${problem.message}`,
    {
      position,
      hint: 'Repair it, or set "kind: file" when it is not meant to be JSON',
    },
  );
}
