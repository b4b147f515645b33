import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import { systemClock } from "../kernel/index.ts";
import { layoutOf, LocalVault, openIdentity } from "../local-vault/index.ts";
import type { BackupHead } from "../vault/index.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { openKeys } from "./keys/open-keys.ts";
import { readBackupFile, writeBackupFile } from "./manifest/backup-file.ts";
import { PACK_SIZES } from "./pack/pack-sizes.ts";
import { repositoryForm, SEALED_FORM } from "./repository-form.ts";

const TIME = Date.UTC(2026, 2, 15);

async function takeThree(stage: RepositoryStage): Promise<readonly [BackupHead, BackupHead, BackupHead]> {
  mkdirSync(stage.join("notes"));
  const take = async (): Promise<BackupHead> => {
    writeFileSync(stage.join("notes", "a"), randomBytes(50_000));
    return await stage.take("notes");
  };
  return [await take(), await take(), await take()];
}

async function keysOf(stage: RepositoryStage): Promise<VaultKeys> {
  await using vault = await stage.open();
  return openKeys(stage.path, vault.identity.id, []);
}

/** @param onKey called with the number of times that a key was asked for */
async function vaultWith(stage: RepositoryStage, onKey: (times: number) => void): Promise<LocalVault> {
  const real = await keysOf(stage);
  let times = 0;
  const keys: VaultKeys = {
    ...real,
    epoch: (epoch) => {
      times += 1;
      onKey(times);
      return real.epoch(epoch);
    },
  };
  const identity = await openIdentity(
    layoutOf(stage.path, [SEALED_FORM]),
    { name: "contract" },
    { form: "repository", create: false, clock: systemClock },
  );
  const cache = { folder: stage.cacheFolder, vault: identity.id, keys };
  const form = repositoryForm({ folder: stage.path, keys, cache, now: Date.now, sizes: PACK_SIZES, checkpoints: undefined });
  return new LocalVault(stage.path, identity, { form, clock: systemClock });
}

describe("what a removal would free", () => {
  it("is told although a backup goes to the trash while its packs are looked for", async () => {
    await using stage = new RepositoryStage();
    const [first, ...others] = await takeThree(stage);
    await using quiet = await stage.open();
    const expected = (await quiet.freed([first.id])).bytes;
    expect(expected).toBeGreaterThan(50_000);
    const moved: string[] = [];
    await using vault = await vaultWith(stage, (times) => {
      // All three manifests were read, and of the tables one is open.
      if (times !== 4) return;
      for (const { id } of others) {
        const name = `${id}.backup`;
        renameSync(join(stage.path, name), join(stage.path, ".vault", "trash", name));
        moved.push(name);
      }
    });
    expect((await vault.freed([first.id])).bytes).toBe(expected);
    expect(moved).toHaveLength(2);
  });

  it("is refused when a table cannot be read", async () => {
    await using stage = new RepositoryStage();
    const [first, ...others] = await takeThree(stage);
    await using vault = await vaultWith(stage, (times) => {
      if (times === 4) for (const { id } of others) writeFileSync(join(stage.path, `${id}.backup`), "");
    });
    await expect((async () => await vault.freed([first.id]))()).rejects.toThrow(/Cannot read backup file/);
  });

  it("is told beside a file among the folders of packs", async () => {
    await using stage = new RepositoryStage();
    const [first] = await takeThree(stage);
    await using vault = await stage.open();
    const expected = (await vault.freed([first.id])).bytes;
    const folder = new Set(stage.packs().map((pack) => basename(pack).slice(0, 2)));
    const free = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"].find((part) => !folder.has(part)) as string;
    writeFileSync(join(stage.path, "packs", free), "no folder");
    expect((await vault.freed([first.id])).bytes).toBe(expected);
  });
});

describe("a sealed backup that was removed as damaged", () => {
  it("is damaged in the trash too, although its place in the row can be read, and says why it was removed", async () => {
    await using stage = new RepositoryStage();
    const [, second] = await takeThree(stage);
    const keys = await keysOf(stage);
    const name = `${second.id}.backup`;
    const path = join(stage.path, name);
    const { manifest, packs, roots } = readBackupFile(path, keys, ["manifest", "packs", "roots"]);
    const document = JSON.parse(Buffer.from(manifest).toString()) as { component_details: Record<string, { changed: unknown }> };
    (document.component_details["notes"] as { changed: unknown }).changed = [{ path: "a", change: "merged" }];
    rmSync(path);
    writeBackupFile(path, keys.newest, { manifest: Buffer.from(JSON.stringify(document)), packs, roots });
    await using vault = await stage.open();
    await vault.removeDamaged(name, "by hand", TIME);
    const [trashed] = (await vault.list()).trash;
    expect(trashed).toMatchObject({ id: second.id, removedAt: new Date(TIME).toISOString() });
    expect(trashed?.reason).toMatch(/^by hand; it is damaged: /);
    await vault.undelete(second.id, TIME + 1);
    expect((await vault.list()).damaged.map((found) => found.name)).toContain(name);
  });
});
