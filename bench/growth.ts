import { mkdirSync, rmSync } from "node:fs";
import type { Row } from "./comparisons.ts";
import { growthOfBackups } from "./growth-backups.ts";
import { growthOfDatabase, makeDatabases } from "./growth-database.ts";
import { growthOfFiles, makeNoteFolders } from "./growth-files.ts";
import { settle } from "./live-tree.ts";
import type { Rig } from "./rig.ts";

/**
 * What grows tenfold takes at most eleven times as long: notes and databases of this scale and of ten times that, and
 * backups in a vault.
 */
export async function growth(rig: Rig, rounds: number): Promise<Row[]> {
  const home = rig.place("growth");
  mkdirSync(home);
  const notes = makeNoteFolders(rig, home);
  await using databases = await makeDatabases(rig, home);
  await settle();
  const rows = await growthOfFiles(rig, notes, rounds);
  for (const { folder } of notes) rmSync(folder, { recursive: true, force: true });
  rows.push(...(await growthOfDatabase(rig, databases, rounds)));
  rows.push(...(await growthOfBackups(rig, rounds)));
  return rows;
}
