import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { generateKeyFile, writeKeyFile } from "../../src/repository/index.ts";

/** The ways in which a backup can lie in a vault, with what tests call them. */
export const STORED_FORMS = [
  ["archive", "tar.gz"],
  ["plain folder", "directory"],
  ["repository", "repository"],
] as const;
export type StoredFormName = (typeof STORED_FORMS)[number][1];

/** What `backup:` says of it, a key each. A repository opens with a key file in the configuration's folder. */
export function formKeys(form: StoredFormName, folder: string): readonly string[] {
  if (form !== "repository") return [`compression: ${form === "tar.gz"}`];
  const key = join(folder, "holdfast.key");
  if (!existsSync(key)) writeKeyFile(key, generateKeyFile(key));
  return ["format: repository", "encryption: { key_file: holdfast.key }"];
}

/** The file whose damage is a damaged manifest. */
export function headFile(form: StoredFormName, vault: string, id: string): string {
  if (form === "directory") return join(vault, id, "manifest.json");
  return join(vault, `${id}.${form === "tar.gz" ? "tar.gz" : "backup"}`);
}

/** A backup itself, as it lies in the vault. */
export function placeOf(form: StoredFormName, vault: string, id: string): string {
  return form === "directory" ? join(vault, id) : headFile(form, vault, id);
}

/** Every pack of a repository, the largest first, with its bytes. */
export function packsIn(vault: string): readonly { readonly path: string; readonly bytes: number }[] {
  return readdirSync(join(vault, "packs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: statSync(path).size }))
    .toSorted((a, b) => b.bytes - a.bytes);
}
