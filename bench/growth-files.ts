import { join } from "node:path";
import type { Row } from "./comparisons.ts";
import { eachOf, firstOf, readBack, type State, vaultsOf } from "./growth-vaults.ts";
import { growthRow, thousands } from "./part-that-grew.ts";
import type { Rig } from "./rig.ts";
import { FULL } from "./workload.ts";
import { makeNotes } from "./workload-files.ts";

/** One note, those of this scale, and ten times as many. */
export function makeNoteFolders({ workload: { seed, scale } }: Rig, home: string): readonly State[] {
  const count = Math.round(FULL.notes * scale);
  return [1, count, count * 10].map((size) => {
    const folder = join(home, `notes-${size}`);
    makeNotes(folder, seed, size);
    return { folder, path: folder, size };
  });
}

export async function growthOfFiles(rig: Rig, states: readonly State[], rounds: number): Promise<Row[]> {
  const own = await vaultsOf(rig, states);
  const name = `${thousands(states[2]?.size ?? 0)} notes / ${thousands(states[1]?.size ?? 0)}`;
  return [
    await growthRow(`${name}, first backup`, firstOf(own), rounds),
    await growthRow(
      `${name}, nothing changed`,
      eachOf(own, ({ command }) => command("backup")),
      rounds,
    ),
    ...(await readBack(rig, name, states, own)),
  ];
}
