import { NotFoundError } from "../kernel/index.ts";

/** undefined when the backup has gone: retention may remove one while others are read. */
export async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NotFoundError && error.code === "BACKUP_NOT_FOUND") return undefined;
    throw error;
  }
}
