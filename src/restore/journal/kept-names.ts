import { join } from "node:path";

/**
 * Names that a restore leaves beside its targets. No capture takes them in, whatever its patterns say: the sources room
 * knows them by the same prefixes.
 */
export const MARKER = "RESTORE-IN-PROGRESS.holdfast";

/** Where a restore lays what comes, what goes, and what was there when nobody expected it. */
export interface Places {
  readonly coming: string;
  readonly going: string;
  readonly stray: string;
}

export function placesBeside(folder: string, id: string): Places {
  return {
    coming: join(folder, `.holdfast-new-${id}`),
    going: join(folder, `.holdfast-old-${id}`),
    stray: join(folder, `.holdfast-undone-${id}`),
  };
}
