/** The store was locked by somebody else at this moment: to be tried again. Never an answer of its own. */
export const BUSY = "store-is-locked";
export type Busy = typeof BUSY;

const SQLITE_BUSY = 5;

export function isBusy(error: unknown): boolean {
  return errcodeOf(error) === SQLITE_BUSY;
}

/** Primary result code of SQLite, without what an extended code adds. */
export function errcodeOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}
