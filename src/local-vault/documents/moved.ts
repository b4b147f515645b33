import { namedSystemError } from "../../kernel/index.ts";

/** Thrown when something went between its name and its content: the vault is read anew. */
export class Moved extends Error {}

export function unreadable(folder: string, error: unknown): Error {
  return namedSystemError(error, `read the vault's folder "${folder}"`);
}
