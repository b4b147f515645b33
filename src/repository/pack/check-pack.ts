import { createHash } from "node:crypto";
import { DamageError, lstatAt } from "../../kernel/index.ts";
import { packPath, type PackPlace } from "./pack-place.ts";
import { StoredFile } from "./stored-file.ts";

const PIECE: number = 1024 * 1024;

export type PackState = "whole" | "missing" | "damaged";

/**
 * Whether the bytes of a pack are those that it is named after; no key is needed.
 *
 * @param folder of the vault
 */
export function checkPack(folder: string, { name, length }: Pick<PackPlace, "name" | "length">): PackState {
  const path = packPath(folder, name);
  if (lstatAt(path) === undefined) return "missing";
  try {
    using file = new StoredFile(path, `pack "${name}"`, "BACKUP_DAMAGED");
    return file.length === length && hashOf(file) === name ? "whole" : "damaged";
  } catch (error) {
    if (error instanceof DamageError) return "damaged";
    throw error;
  }
}

function hashOf(file: StoredFile): string {
  const hash = createHash("sha256");
  const memory = Buffer.allocUnsafeSlow(Math.min(PIECE, Math.max(file.length, 1)));
  for (let position = 0; position < file.length; position += memory.length)
    hash.update(file.fill(memory.subarray(0, Math.min(memory.length, file.length - position)), position));
  return hash.digest("hex");
}
