import { lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConflictError, createFile, errnoOf, makeFolder, namedSystemError } from "../../kernel/index.ts";
import type { Recovery } from "./plan-recovery.ts";

/** What lies at a place where the recovered configuration is to go. */
export function lookForConfig(file: string, bytes: Buffer): "free" | "same" | "other" {
  try {
    if (!lstatSync(file).isFile()) return "other";
    return readFileSync(file).equals(bytes) ? "same" : "other";
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "free";
    if (errnoOf(error) === "ENOTDIR") return "other";
    throw namedSystemError(error, `look at "${file}"`);
  }
}

export function configExists(file: string): ConflictError {
  return new ConflictError("FILE_EXISTS", `"${file}" is there already and says something else than the recovered configuration`, {
    hint: "Recover into another folder with --to DIR, or use that configuration as it is: holdfast restore latest:verified. Nothing was changed",
  });
}

/**
 * Writes the configuration to its place; one that is there and says the same stays.
 *
 * @returns whether it was written now
 */
export function writeRecovered({ file, bytes, mode }: Recovery): boolean {
  const found = lookForConfig(file, bytes);
  if (found === "same") return false;
  try {
    if (found === "free") {
      makeFolder(dirname(file), 0o755);
      if (createFile(file, bytes, mode)) return true;
    }
  } catch (error) {
    throw namedSystemError(error, `write the configuration "${file}"`);
  }
  throw configExists(file);
}
