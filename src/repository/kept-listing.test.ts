import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { multiplySealed } from "../../test/support/multiply-sealed.ts";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import type { Listing } from "../vault/index.ts";
import { vaultFile } from "./cache/vault-file.ts";
import { openKeys } from "./keys/open-keys.ts";

/** Longer than a file must have been still to be remembered. Milliseconds. */
const STILL = 200;

/** A thousand backups and some, of which one has a mark. */
async function manyBackups(stage: RepositoryStage): Promise<void> {
  mkdirSync(stage.join("notes"));
  writeFileSync(stage.join("notes", "a"), "alpha");
  await stage.take("notes");
  multiplySealed(stage.path, [{ kind: "none" }], { count: 1010, packs: 3, fresh: 1 });
  await using vault = await stage.open();
  const [newest] = (await vault.list()).backups;
  if (newest !== undefined) await vault.setMark(newest.id, "pin", { at: "2026-03-15T14:30:00Z" });
  // What has just been written is not remembered.
  const written = Date.now();
  await vi.waitUntil(() => Date.now() > written + STILL);
}

async function look(stage: RepositoryStage, recalling: boolean): Promise<Listing> {
  await using vault = await stage.open();
  return await vault.list({ recalling });
}

function keptFile(stage: RepositoryStage): string {
  return join(stage.cacheFolder, readdirSync(stage.cacheFolder).find((name) => name.endsWith(".listing")) ?? "none");
}

/** The file of a backup in the middle. */
function someBackup(stage: RepositoryStage): string {
  return join(stage.path, readdirSync(stage.path).filter((name) => name.endsWith(".backup"))[500] ?? "");
}

describe("list({ recalling }) of a vault with a thousand backups", () => {
  it("tells what list() tells, whatever was done to the vault or to what is kept", async () => {
    await using stage = new RepositoryStage();
    await manyBackups(stage);
    const expectSame = async (): Promise<Listing> => {
      const [anew, recalled] = [await look(stage, false), await look(stage, true)];
      expect(recalled).toEqual(anew);
      return recalled;
    };
    expect((await expectSame()).backups).toHaveLength(1010);
    expect(readFileSync(keptFile(stage)).length).toBeGreaterThan(100_000);
    await expectSame();

    const damaged = someBackup(stage);
    const bytes = readFileSync(damaged);
    const flipped = Buffer.from(bytes);
    flipped[200] = (flipped[200] ?? 0) ^ 1;
    writeFileSync(damaged, flipped);
    utimesSync(damaged, 0, 0);
    expect((await expectSame()).damaged).toHaveLength(1);
    writeFileSync(damaged, bytes);
    expect((await expectSame()).damaged).toEqual([]);
    renameSync(someBackup(stage), stage.join("aside"));
    expect((await expectSame()).missing).toHaveLength(1);
    const { id } = await stage.take("notes");
    expect((await expectSame()).backups[0]?.id).toBe(id);

    const kept = readFileSync(keptFile(stage));
    for (const harm of [
      () =>
        writeFileSync(
          keptFile(stage),
          kept.map((byte, at) => (at === kept.length >> 1 ? byte ^ 1 : byte)),
        ),
      () => truncateSync(keptFile(stage), 1000),
      () => rmSync(keptFile(stage)),
    ]) {
      harm();
      await expectSame();
    }
  });

  it("reads no file again that looks as it did, and one that was touched", async () => {
    await using stage = new RepositoryStage();
    await manyBackups(stage);
    await look(stage, true);
    await using vault = await stage.open();
    const cache = { folder: stage.cacheFolder, vault: vault.identity.id, keys: openKeys(stage.path, vault.identity.id, []) };
    const kept = vaultFile(cache, "listing");
    // Only who has the key could, and this shows where the listing has it from.
    kept.save(Buffer.from(kept.load()?.toString().replaceAll('"host":"contract"', '"host":"recalled"') ?? ""));
    const hosts = async (): Promise<number> =>
      (await look(stage, true)).backups.filter(({ manifest }) => manifest.host === "recalled").length;
    const recalled = await hosts();
    expect(recalled).toBeGreaterThan(1000);
    const touched = someBackup(stage);
    utimesSync(touched, 0, 0);
    expect(await hosts()).toBe(recalled - 1);
    expect((await look(stage, false)).backups.filter(({ manifest }) => manifest.host === "recalled")).toEqual([]);
  });
});
