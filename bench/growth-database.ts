import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { checkpoint } from "./checkpoint.ts";
import type { Row } from "./comparisons.ts";
import { eachOf, firstOf, readBack, type State, vaultsOf } from "./growth-vaults.ts";
import { growthRow } from "./part-that-grew.ts";
import type { Rig } from "./rig.ts";
import { FULL } from "./workload.ts";
import { createRowWriter, makeDatabase } from "./workload-database.ts";

/** Rows that are written again before a backup of what has changed. */
const REWRITTEN = 200;

export interface Databases extends AsyncDisposable {
  readonly states: readonly State[];
  /** Writes the same number of rows again in each, all over it. */
  readonly change: () => void;
}

/** A database of a few pages, that of this scale, and one of ten times its size; another process has each of them open. */
export async function makeDatabases(rig: Rig, home: string): Promise<Databases> {
  const { seed, scale } = rig.workload;
  const held: AsyncDisposable[] = [];
  const states: (State & { readonly messages: number })[] = [];
  for (const size of [200_000, FULL.databaseBytes * scale, FULL.databaseBytes * scale * 10]) {
    const folder = join(home, `database-${size}`);
    const path = join(folder, "data", "agent.db");
    mkdirSync(join(folder, "data"), { recursive: true });
    const { messages } = makeDatabase(path, seed, size);
    states.push({ folder, path, size, messages });
    held.push(await rig.hold(folder));
  }
  let changes = 0;
  return {
    states,
    change: () => {
      changes += 1;
      for (const { path, messages } of states) rewrite(path, seed, changes, messages);
    },
    [Symbol.asyncDispose]: async () => {
      for (const holder of held) await holder[Symbol.asyncDispose]();
      for (const { folder } of states) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function growthOfDatabase(rig: Rig, { states, change }: Databases, rounds: number): Promise<Row[]> {
  const own = await vaultsOf(rig, states);
  const [, base, grown] = states.map(({ size }) => `${(size / 1e6).toFixed(0)} MB`);
  const name = `database of ${grown} / ${base}`;
  const changed = eachOf(own, ({ command }) => command("backup"));
  return [
    await growthRow(`${name}, first backup`, firstOf(own), rounds),
    // All three change before the first of them is backed up.
    await growthRow(`${name}, ${REWRITTEN} rows changed`, { ...changed, nothing: { ...changed.nothing, prepare: change } }, rounds),
    ...(await readBack(rig, name, states, own)),
  ];
}

function rewrite(path: string, seed: number, label: number, messages: number): void {
  const database = new DatabaseSync(path);
  try {
    const writer = createRowWriter(database, seed, `growth ${label}`);
    const statement = database.prepare("UPDATE messages SET body = ? WHERE id = ?");
    database.exec("PRAGMA synchronous = normal; BEGIN");
    for (let row = 0; row < REWRITTEN; row += 1) statement.run(writer.body(), 1 + writer.random.below(messages));
    database.exec("COMMIT");
  } finally {
    database.close();
  }
  checkpoint(path);
}
