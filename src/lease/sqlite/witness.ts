import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { errnoOf } from "../../kernel/index.ts";

/**
 * The highest generation seen, beside the store and not in it: a store that was removed, or replaced by an older copy, can
 * then be told from a new one. Not synced: after a power cut nobody holds anything, and the store itself is durable.
 *
 * @returns null when there never was a store
 */
export function readWitness(path: string): number | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
  const generation = Number(text.trim());
  // One that was cut off by a crash still says that there was a store.
  return Number.isSafeInteger(generation) ? generation : 0;
}

/** Written after the commit: a generation that was never committed must not make a sound store look old. */
export function bearWitness(path: string, generation: number): void {
  if ((readWitness(path) ?? -1) >= generation) return;
  // Not named by process: in two containers on one volume both may be number 1.
  const temporary = `${path}.${randomUUID()}.tmp`;
  writeFileSync(temporary, `${generation}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}
