import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import type { FoundBackup } from "../local-vault/index.ts";
import type { BackupHead } from "../vault/index.ts";
import { openKeys } from "./keys/open-keys.ts";
import { readBackupFile } from "./manifest/backup-file.ts";
import { NamedPacks } from "./named-packs.ts";
import { packsIn } from "./pack/pack-place.ts";

async function takeSome(stage: RepositoryStage, count: number): Promise<{ heads: BackupHead[]; keys: ReturnType<typeof openKeys> }> {
  mkdirSync(stage.join("notes"));
  const heads: BackupHead[] = [];
  for (let number = 0; number < count; number += 1) {
    writeFileSync(stage.join("notes", String(number)), randomBytes(2000));
    if (number > 1) rmSync(stage.join("notes", String(number - 2)));
    heads.push(await stage.take("notes"));
  }
  await using vault = await stage.open();
  return { heads, keys: openKeys(stage.path, vault.identity.id, []) };
}

describe("NamedPacks", () => {
  it("unnamedOf() and freedBy() say what the pack tables say", async () => {
    await using stage = new RepositoryStage();
    const { heads, keys } = await takeSome(stage, 6);
    const found = heads.map(({ id, manifest, manifestSha256 }): FoundBackup => ({
      id,
      form: "repository",
      path: join(stage.path, `${id}.backup`),
      manifest,
      sha256: manifestSha256,
    }));
    const tables = found.map(({ path }) => readBackupFile(path, keys, ["packs"]).packs.entries);
    const [there, orphan] = [packsIn(stage.path), "0".repeat(64)];
    expect(there.toSorted()).toEqual([...new Set(tables.flatMap((table) => table.map(({ name }) => name)))].toSorted());
    const named = new NamedPacks(keys);
    for (let split = 0; split <= found.length; split += 1) {
      const [going, staying] = [found.slice(0, split), found.slice(split)];
      const stays = new Set(tables.slice(split).flatMap((table) => table.map(({ name }) => name)));
      expect(named.unnamedOf([...there, orphan], staying)).toEqual(new Set([...there, orphan].filter((name) => !stays.has(name))));
      const gone = new Map(tables.slice(0, split).flatMap((table) => table.map(({ name, length }) => [name, length] as const)));
      const freed = [...gone].reduce((sum, [name, length]) => sum + (stays.has(name) ? 0 : length), 0);
      expect(named.freedBy([...there, orphan], going, staying)).toBe(freed);
    }
    expect(named.freedBy([], found, [])).toBe(0);
    // Asked again, no file is read.
    for (const { path } of found) rmSync(path);
    expect(named.unnamedOf([...there, orphan], found)).toEqual(new Set([orphan]));
  });

  it("refuses a table that cannot be read, and never takes it for an empty one", async () => {
    await using stage = new RepositoryStage();
    const { heads, keys } = await takeSome(stage, 1);
    const [{ id, manifest, manifestSha256: sha256 }] = heads as [BackupHead];
    const path = join(stage.path, `${id}.backup`);
    const one: FoundBackup = { id, form: "repository", path, manifest, sha256 };
    rmSync(path);
    const refused = expect.objectContaining({ code: "MANIFEST_INVALID" }) as Error;
    expect(() => new NamedPacks(keys).unnamedOf(["0".repeat(64)], [one])).toThrow(refused);
    expect(() => new NamedPacks(keys).freedBy(["0".repeat(64)], [], [one])).toThrow(refused);
  });

  it("opens no more tables than name every pack, of whichever backups those are", async () => {
    await using stage = new RepositoryStage();
    const { heads, keys } = await takeSome(stage, 9);
    const found = heads.map(({ id, manifest, manifestSha256: sha256 }): FoundBackup => {
      return { id, form: "repository", path: join(stage.path, `${id}.backup`), manifest, sha256 };
    });
    for (const [index, { path }] of found.entries()) {
      const names = readBackupFile(path, keys, ["packs"]).packs.entries.map(({ name }) => name);
      expect(new NamedPacks(keys).unnamedOf(names, found), `all of ${index}`).toEqual(new Set());
    }
    const first = readBackupFile(found[0]?.path ?? "", keys, ["packs"]).packs.entries.map(({ name }) => name);
    for (const { path } of found.slice(1)) rmSync(path);
    expect(new NamedPacks(keys).unnamedOf(first, found)).toEqual(new Set());
  });
});
