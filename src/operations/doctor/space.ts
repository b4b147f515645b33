import { existsSync, statSync } from "node:fs";
import { formatBytes, freeBytes } from "../../kernel/index.ts";
import type { BackupHead } from "../../vault/index.ts";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";
import { nearestThere } from "./mounts.ts";
import { placeOrNull } from "./place-or-null.ts";

/** Journals, the record of the last run, a lock. Bytes. */
const STATE_NEEDS = 16 * 1024 * 1024;
/** So many further backups are to fit before it is called short. */
const COMFORT = 3;

/** Whether the next backup fits, and whether a restore has room beside what is live. */
export async function checkSpace({ instance: { config }, listing, place }: Patient): Promise<readonly Sight[]> {
  const { backups } = await listing();
  const sights: Sight[] = [];
  const [newest] = backups;
  const vault = freeBytes(nearestThere(config.backup.path));
  sights.push(newest === undefined ? ok(`${formatBytes(vault)} free; no backup yet to compare with`, "vault") : vaultSight(vault, newest));
  const state = freeBytes(nearestThere(config.stateDir));
  sights.push(
    state < STATE_NEEDS
      ? problem(`${formatBytes(state)} free`, `Free space: ${formatBytes(STATE_NEEDS)} are needed to begin anything`, "state folder")
      : ok(`${formatBytes(state)} free`, "state folder"),
  );
  for (const { name } of config.components) {
    const carrying = backups.find(({ manifest }) => manifest.component_details[name] !== undefined);
    const path = await placeOrNull(place, name);
    if (carrying === undefined || path === null || !existsSync(path)) continue;
    sights.push(restoreSight(name, freeBytes(statSync(path).isDirectory() ? path : nearestThere(path)), carrying));
  }
  return sights;
}

/** A database is copied whole before it is compressed. */
function vaultSight(free: number, { id, manifest }: BackupHead): Sight {
  const databases = Object.values(manifest.component_details).filter(({ source }) => source === "sqlite");
  const needed = manifest.stored_bytes + databases.reduce((sum, { bytes }) => sum + bytes, 0);
  const seen = `${formatBytes(free)} free; a backup like ${id} takes up to ${formatBytes(needed)}`;
  if (free < needed) return problem(seen, "Free space, or move backup.path to a larger disk: the next backup will fail", "vault");
  if (free < COMFORT * needed) return warning(seen, "Free space, or keep fewer backups: see holdfast prune --dry-run", "vault");
  return ok(seen, "vault");
}

function restoreSight(name: string, free: number, { manifest }: BackupHead): Sight {
  const bytes = manifest.component_details[name]?.bytes ?? 0;
  const seen = `${formatBytes(free)} free beside it; a restore in place needs ${formatBytes(bytes)}`;
  return free < bytes
    ? warning(seen, "A restore in place is refused until there is room: free space, or restore with --to DIR", `component ${name}`)
    : ok(seen, `component ${name}`);
}
