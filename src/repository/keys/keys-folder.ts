import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  addHint,
  createFile,
  DamageError,
  errnoOf,
  HoldfastError,
  makeFolder,
  namedSystemError,
  removeFile,
  replaceFile,
} from "../../kernel/index.ts";
import { parseKeyDocument, type KeyDocument } from "./key-document.ts";
import { MOST_EPOCHS } from "./previous-epochs.ts";
import { readSmallFile } from "./read-small-file.ts";
import type { SlotPlace } from "./slot.ts";

/** 10,000 epochs and 32 slots fit. Bytes. */
const LARGEST = 1024 * 1024;

export function keysFolder(vaultFolder: string): string {
  return join(vaultFolder, "keys");
}

/** Where the second copy of the newest document lies: one folder that is lost, or emptied by mistake, takes no vault with it. */
function copiesFolder(vaultFolder: string): string {
  return join(vaultFolder, ".vault", "keys");
}

export function keyDocumentPath(vaultFolder: string, epoch: number): string {
  return join(keysFolder(vaultFolder), nameOf(epoch));
}

export function keyCopyPath(vaultFolder: string, epoch: number): string {
  return join(copiesFolder(vaultFolder), nameOf(epoch));
}

/** The epochs of a vault, newest first: of the documents, and of the copy. */
export function listEpochs(vaultFolder: string): number[] {
  const epochs = new Set([...epochsIn(keysFolder(vaultFolder)), ...epochsIn(copiesFolder(vaultFolder))]);
  return [...epochs].toSorted((a, b) => b - a);
}

/** What is to be had of the keys of one epoch. */
export type FoundKeys =
  | {
      readonly document: KeyDocument;
      /** What is wrong with the one in `keys/`: then the document is the copy. */
      readonly failure?: HoldfastError;
    }
  | { readonly document?: never; readonly failure: HoldfastError };

/** The document of an epoch, or in its place the copy. Throws nothing that is wrong with them. */
export function findKeyDocument(vaultFolder: string, place: SlotPlace): FoundKeys {
  const path = keyDocumentPath(vaultFolder, place.epoch);
  const first = attempt(() => readDocument(path, place));
  if (!(first instanceof HoldfastError)) return { document: first };
  const copy = keyCopyPath(vaultFolder, place.epoch);
  const second = attempt(() => readDocument(copy, place));
  if (second instanceof HoldfastError) return { failure: first };
  return { document: second, failure: addHint(first, `its copy is used: cp "${copy}" "${path}"`) };
}

/** A document of the newest epoch that cannot be used while the other one can. */
export interface LostKeyDocument {
  readonly path: string;
  readonly problem: string;
  /** A command that brings it back. */
  readonly mend: string;
}

/** The keys of a vault lie in it twice: undefined when both are sound, or none is, which whoever opens it is told. */
export function lostKeyDocument(vaultFolder: string, vault: string): LostKeyDocument | undefined {
  const [epoch] = listEpochs(vaultFolder);
  if (epoch === undefined) return undefined;
  const paths = [keyDocumentPath(vaultFolder, epoch), keyCopyPath(vaultFolder, epoch)] as const;
  const [first, second] = paths.map((path) => attempt(() => readDocument(path, { vault, epoch })));
  const [lost, path, other] = first instanceof HoldfastError ? [first, paths[0], paths[1]] : [second, paths[1], paths[0]];
  if (!(lost instanceof HoldfastError) || (first instanceof HoldfastError && second instanceof HoldfastError)) return undefined;
  return { path, problem: lost.message, mend: `install -D -m 600 "${other}" "${path}"` };
}

/** @throws DamageError MANIFEST_INVALID, VAULT_DAMAGED · HostError VERSION_UNSUPPORTED, FILE_SYSTEM */
export function readKeyDocument(vaultFolder: string, place: SlotPlace): KeyDocument {
  const found = findKeyDocument(vaultFolder, place);
  if (found.document === undefined) throw found.failure;
  return found.document;
}

/**
 * Writes the document of a new epoch, and then its copy.
 *
 * @returns false when the epoch is there already
 */
export function createKeyDocument(vaultFolder: string, epoch: number, text: string, beforePublish?: () => void): boolean {
  makeFolder(keysFolder(vaultFolder));
  if (!createFile(keyDocumentPath(vaultFolder, epoch), text, 0o600, beforePublish)) return false;
  writeCopy(vaultFolder, epoch, text);
  return true;
}

export function replaceKeyDocument(vaultFolder: string, epoch: number, text: string): void {
  makeFolder(keysFolder(vaultFolder));
  replaceFile(keyDocumentPath(vaultFolder, epoch), text);
  writeCopy(vaultFolder, epoch, text);
}

/** Of the newest epoch alone: whoever opens it opens all before. */
function writeCopy(vaultFolder: string, epoch: number, text: string): void {
  makeFolder(copiesFolder(vaultFolder));
  replaceFile(keyCopyPath(vaultFolder, epoch), text);
  for (const older of epochsIn(copiesFolder(vaultFolder))) if (older < epoch) removeFile(keyCopyPath(vaultFolder, older));
}

function nameOf(epoch: number): string {
  return `${epoch}.json`;
}

function epochsIn(folder: string): number[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw namedSystemError(error, `read the keys in "${folder}"`);
  }
  return names.map((name) => Number(/^([1-9]\d{0,4})\.json$/.exec(name)?.[1] ?? 0)).filter((epoch) => epoch > 0 && epoch <= MOST_EPOCHS);
}

function readDocument(path: string, place: SlotPlace): KeyDocument {
  const file = read(path);
  if ("problem" in file) {
    throw new DamageError("VAULT_DAMAGED", `Cannot trust "${path}": it ${file.problem}`, {
      hint: "Bring it back from a copy of the vault",
    });
  }
  return parseKeyDocument(file.bytes, place);
}

function read(path: string): ReturnType<typeof readSmallFile> {
  try {
    return readSmallFile(path, LARGEST);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw namedSystemError(cause, `read the keys "${path}"`);
    throw new DamageError("VAULT_DAMAGED", `The keys "${path}" are missing`, {
      cause,
      hint: "Bring that file back from a copy of the vault",
    });
  }
}

function attempt<T>(work: () => T): T | HoldfastError {
  try {
    return work();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}
