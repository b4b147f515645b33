import { identityAt, identityKey, InternalError, namedSystemError } from "../kernel/index.ts";
import type { Reading, SourceKind } from "../vault/index.ts";
import { commandReading } from "./command-reading.ts";
import { fileReading } from "./file-reading.ts";
import { jsonReading } from "./json-reading.ts";
import { makeNotes } from "./notes.ts";
import { rawDatabaseReading } from "./raw-reading.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { kindOf, resolveRoot, rootError, type Root } from "./root.ts";
import { sniffKind } from "./sniff.ts";
import { sqliteReading } from "./sqlite/sqlite-reading.ts";
import { stagingFolder } from "./staging-folder.ts";
import { throwIfStopped } from "./stop-signal.ts";
import { treeReading } from "./tree-reading.ts";

/**
 * Opens a consistent view of a component. Databases and JSON documents that are a component, and everything under a
 * pause, are copied into staging before this resolves; the rest is read where it lies, when the vault stores it.
 *
 * @throws CaptureError when the component is missing, unreadable, damaged, locked, or does not hold still
 * @throws HostError when the machine cannot do it: no space, a network file system under a database
 * @throws InterruptedError when the signal was given
 */
export async function openReading(request: ReadingRequest): Promise<Reading> {
  throwIfStopped(request.signal);
  const notes = makeNotes();
  if (request.command !== null) return await commandReading(request.command, request, notes);
  if (request.path === null) throw new InternalError(`Component "${request.component}" has neither a path nor a command`);

  const avoid = new Set(request.avoid.map(identityKey));
  // A vault inside the component is avoided already; this one holds while it is being made.
  const staging = identityAt(request.staging);
  if (staging !== undefined) avoid.add(identityKey(staging));
  const root = resolveRoot(request.path, request.component, avoid);
  const whole = typeof request.raw === "object" ? request.raw : undefined;
  const kind = whole === undefined ? kindOf(root, request, notes) : rawKindOf(root, request);
  if (kind !== "tree" && request.exclude.length + request.include.length > 0) {
    notes.warn(`Patterns of component "${request.component}" have no effect: it is a single file`);
  }
  const folder = stagingFolder(request.staging);
  const open = async (): Promise<Reading> => {
    switch (kind) {
      case "tree":
        return await treeReading(root, request, notes, folder, avoid);
      case "sqlite":
        if (whole !== undefined) return rawDatabaseReading(root, request, notes);
        return await sqliteReading(root, request, notes, folder);
      case "json":
        return await jsonReading(root, request, notes, folder);
      case "file":
      case "log":
        return await fileReading(kind, root, request, notes, folder);
      default:
        throw new InternalError(`A path is never of kind "${kind}"`);
    }
  };
  try {
    const reading = await open();
    return whole === undefined ? reading : salvaged(reading, whole.reason);
  } catch (error) {
    await folder.remove();
    throw namedSystemError(error, `read component "${request.component}"`);
  }
}

/** Whatever was read so is told as what it is: nobody may take it for a good copy. */
function salvaged(reading: Reading, reason: string): Reading {
  return {
    ...reading,
    report: () => {
      const report = reading.report();
      const warnings = [`Kept raw: ${reason}`, ...report.warnings];
      return { ...report, warnings, salvaged: { file: null, ...report.salvaged, reason }, suspect: true };
    },
  };
}

/** What a salvage takes it for: nothing that lies there is refused, and a document that does not parse is a file. */
function rawKindOf(root: Root, { component, remembered, kind }: ReadingRequest): SourceKind {
  if (root.stats.isDirectory()) return "tree";
  let sniffed: SourceKind;
  try {
    sniffed = sniffKind(root.path);
  } catch (cause) {
    throw rootError(root.path, component, cause);
  }
  if (sniffed === "sqlite" || kind === "sqlite" || remembered.single) return "sqlite";
  return sniffed === "log" ? "log" : "file";
}
