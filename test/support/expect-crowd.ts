import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { openRepositoryVault } from "../../src/repository/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { letLoose } from "./vault-crowd.ts";

/** Holds a vault, and every backup in it, to the copies of what was backed up. */
export async function expectCrowdHarmless(kills: number, seed: number): Promise<string> {
  using folder = temporaryFolder();
  const says = await letLoose(folder.path, kills, seed);
  expect(says.wrong).toEqual([]);
  const common = { instance: { name: "contract" }, secrets: [{ kind: "none" }] as const, create: false };
  await using vault = await openRepositoryVault({ ...common, path: folder.join("vault"), cacheFolder: folder.join("cache") });
  // What was cut off last is settled.
  await vault.sweepTrash();
  const { backups, damaged, chain, missing } = await vault.list();
  expect([damaged, chain, missing]).toEqual([[], [], []]);
  const here = new Set<string>(backups.map(({ id }) => id));
  expect([...says.committed].filter((id) => !here.has(id) && !says.removing.has(id))).toEqual([]);
  for (const { id } of backups) {
    const model = new Map(JSON.parse(readFileSync(folder.join("models", `${id}.json`), "utf8")) as [string, string][]);
    await using reader = await vault.open(id);
    for await (const { entry, content } of reader.read()) {
      if (content === undefined) continue;
      const hash = createHash("sha256");
      for await (const piece of content) hash.update(piece);
      expect(hash.digest("hex"), `${entry.path} of ${id}`).toBe(model.get(entry.path));
      model.delete(entry.path);
    }
    expect([...model.keys()], id).toEqual([]);
  }
  const { committed, removing, read, swept } = says;
  expect(Math.min(committed.size, removing.size, read, swept)).toBeGreaterThan(0);
  return `seed ${seed}: ${says.kills} killed, ${committed.size} backups, ${read} read meanwhile, ${removing.size} removed, ${here.size} left`;
}
