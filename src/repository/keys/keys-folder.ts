import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DamageError, errnoOf, namedSystemError } from "../../kernel/index.ts";
import { parseKeyDocument, type KeyDocument } from "./key-document.ts";
import { MOST_EPOCHS } from "./previous-epochs.ts";
import { readSmallFile } from "./read-small-file.ts";
import type { SlotPlace } from "./slot.ts";

/** 10,000 epochs and 32 slots fit. Bytes. */
const LARGEST = 1024 * 1024;

export function keysFolder(vaultFolder: string): string {
  return join(vaultFolder, "keys");
}

export function keyDocumentPath(vaultFolder: string, epoch: number): string {
  return join(keysFolder(vaultFolder), `${epoch}.json`);
}

/** The epochs of a vault, newest first. */
export function listEpochs(vaultFolder: string): number[] {
  let names: string[];
  try {
    names = readdirSync(keysFolder(vaultFolder));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw namedSystemError(error, `read the keys of the vault "${vaultFolder}"`);
  }
  return names
    .map((name) => Number(/^([1-9]\d{0,4})\.json$/.exec(name)?.[1] ?? 0))
    .filter((epoch) => epoch > 0 && epoch <= MOST_EPOCHS)
    .toSorted((a, b) => b - a);
}

/** @throws DamageError MANIFEST_INVALID, VAULT_DAMAGED · HostError VERSION_UNSUPPORTED, FILE_SYSTEM */
export function readKeyDocument(vaultFolder: string, place: SlotPlace): KeyDocument {
  const path = keyDocumentPath(vaultFolder, place.epoch);
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
  } catch (error) {
    throw namedSystemError(error, `read the keys "${path}"`);
  }
}
