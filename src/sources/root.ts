import { opendirSync, realpathSync, statSync, type BigIntStats } from "node:fs";
import { basename } from "node:path";
import { CaptureError, errnoOf, identityKey, identityOf, lstatAt } from "../kernel/index.ts";
import type { SourceKind } from "../vault/index.ts";
import { damagedDatabase } from "./damaged-database.ts";
import type { Notes } from "./notes.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { sniffKind } from "./sniff.ts";

/** Where a component's path leads. */
export interface Root {
  /** As declared. */
  readonly path: string;
  /** Last name of the declared path: it stays when a link is pointed elsewhere. */
  readonly name: string;
  /** Links followed. */
  readonly real: string;
  readonly stats: BigIntStats;
}

/**
 * Follows a component's own path, which may be a link although links inside a tree are never followed.
 *
 * @throws CaptureError COMPONENT_MISSING, COMPONENT_UNREADABLE, COMPONENT_PATH
 */
export function resolveRoot(path: string, component: string, avoid: ReadonlySet<string>): Root {
  let real: string;
  let stats: BigIntStats;
  try {
    real = realpathSync(path);
    stats = statSync(real, { bigint: true });
  } catch (cause) {
    throw rootError(path, component, cause);
  }
  if (avoid.has(identityKey(identityOf(stats)))) {
    throw new CaptureError("COMPONENT_PATH", `Component "${component}" is Holdfast's own state or vault: "${path}"`, {
      hint: "Declare what the runtime keeps, and leave the vault and the state directory out",
    });
  }
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new CaptureError("COMPONENT_PATH", `Component "${component}" is neither a file nor a folder: "${path}"`, {
      hint: "Declare a file or a folder",
    });
  }
  try {
    if (stats.isDirectory()) opendirSync(real).closeSync();
  } catch (cause) {
    throw rootError(path, component, cause);
  }
  return { path, name: basename(path), real, stats };
}

export function rootError(path: string, component: string, cause: unknown): CaptureError {
  const errno = errnoOf(cause);
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    const link = danglingLink(path) ? " (a link that leads nowhere)" : "";
    return new CaptureError("COMPONENT_MISSING", `Component "${component}" is not there: "${path}"${link}`, {
      cause,
      hint: 'Correct its path, or mark it "optional: true" when it may be absent',
    });
  }
  if (errno === "EACCES" || errno === "EPERM") {
    return new CaptureError("COMPONENT_UNREADABLE", `Component "${component}" cannot be read by this account: "${path}"`, {
      cause,
      hint: "Run Holdfast as the account that owns it, or give that account the right to read it",
    });
  }
  return new CaptureError(
    "COMPONENT_PATH",
    `The path of component "${component}" does not lead to a place on disk: "${path}" (${errno ?? String(cause)})`,
    {
      cause,
      hint: "Correct its path",
    },
  );
}

function danglingLink(path: string): boolean {
  try {
    return lstatAt(path)?.isSymbolicLink() === true;
  } catch {
    return false;
  }
}

/**
 * What a component is now. A database is read as one whatever was declared, because its bytes mean nothing without
 * its log; and what was a database stays one, damaged if need be.
 */
export function kindOf(root: Root, request: ReadingRequest, notes: Notes): SourceKind {
  const { kind, remembered } = request;
  if (root.stats.isDirectory()) {
    if (remembered.single) throw damagedDatabase(root.path, "other-sort");
    if (kind === undefined || kind === "tree") return "tree";
    throw new CaptureError("COMPONENT_PATH", `Component "${request.component}" is a folder, and its kind is "${kind}": "${root.path}"`, {
      hint: 'Correct the path, or set "kind: tree"',
    });
  }
  if (kind === "tree" || kind === "command") {
    throw new CaptureError("COMPONENT_PATH", `Component "${request.component}" is a file, and its kind is "${kind}": "${root.path}"`, {
      hint: 'Correct the path, or leave "kind" out',
    });
  }
  let sniffed: SourceKind;
  try {
    sniffed = sniffKind(root.path);
  } catch (cause) {
    throw rootError(root.path, request.component, cause);
  }
  if (sniffed === "sqlite" || kind === "sqlite" || remembered.single) {
    if (kind !== undefined && kind !== "sqlite")
      notes.warn(`"${root.path}" is a database and is read as one, although its kind is "${kind}"`);
    return "sqlite";
  }
  return kind ?? sniffed;
}
