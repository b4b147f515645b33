import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf, formatBytes, formatDuration, HoldfastError } from "../../kernel/index.ts";
import { keptRestores } from "../../restore/index.ts";
import { measureFolder } from "../measure-folder.ts";
import { pendingRestore } from "../settle-restore.ts";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";

const SET = /^\.holdfast-(new|old|undone)-|^\.holdfast-unfinished-restore$/;
const MARKER = "RESTORE-IN-PROGRESS.holdfast";
/** After this long an old set is to be gone; the day more is for a prune that has not run yet. Milliseconds. */
const OUTLIVED = 8 * 24 * 60 * 60 * 1000;

/** What restores have left: one that did not end, and the sets that they keep for an undo. */
export async function checkLeftovers(patient: Patient): Promise<readonly Sight[]> {
  const { instance, now } = patient;
  const pending = pendingRestore(instance);
  const sights: Sight[] = [];
  if (pending !== null)
    sights.push(
      problem(
        `A restore of ${pending.backup} has not ended, since ${pending.started_at} (${pending.phase})`,
        "When none is running, end it: holdfast restore --settle; until then the live state is not to be trusted",
      ),
    );
  for (const folder of await placesToLook(patient)) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      if (name === MARKER && pending === null)
        sights.push(
          problem(
            `"${path}" says that a restore is running, and no journal knows of one`,
            "Look for .holdfast-old-* beside it; when all is as it should be, remove the file",
          ),
        );
      if (SET.test(name)) sights.push(setSight(path, now, pending !== null));
    }
  }
  return sights.length === 0 ? [ok("No restore has left anything")] : sights;
}

function setSight(path: string, now: number, pending: boolean): Sight {
  const age = Math.max(0, now - lstatSync(path).mtimeMs);
  const seen = `"${path}": ${formatBytes(measureFolder(path).bytes)}, ${formatDuration(age)} old`;
  if (pending) return ok(`${seen}; it belongs to the restore that has not ended`);
  if (age > OUTLIVED)
    return warning(
      seen,
      "It has outlived its seven days: holdfast prune removes what a restore has kept, and what stays then is yours to remove",
    );
  return ok(`${seen}; kept for an undo`);
}

/** Beside and at the top of each component, and wherever a restore says that it has kept something. */
async function placesToLook({ instance, place }: Patient): Promise<ReadonlySet<string>> {
  const folders = new Set(keptRestores(instance.config.stateDir).flatMap(({ beside }) => beside));
  for (const { name } of instance.config.components) {
    const path = await realPlace(place, name);
    if (path === null) continue;
    folders.add(dirname(path));
    if (statSync(path).isDirectory()) folders.add(path);
  }
  return folders;
}

async function realPlace(place: Patient["place"], name: string): Promise<string | null> {
  try {
    const path = await place(name);
    return path === null ? null : realpathSync(path);
  } catch (error) {
    // The check of the components tells of it.
    if (error instanceof HoldfastError || errnoOf(error) !== undefined) return null;
    throw error;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
