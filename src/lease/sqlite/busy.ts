import { SQLITE, sqliteCodeOf } from "../../kernel/index.ts";

/** The store was locked by somebody else at this moment: to be tried again. Never an answer of its own. */
export const BUSY = "store-is-locked";
export type Busy = typeof BUSY;

export function isBusy(error: unknown): boolean {
  return sqliteCodeOf(error) === SQLITE.BUSY;
}
