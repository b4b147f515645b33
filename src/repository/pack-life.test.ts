import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import type { BackupHead } from "../vault/index.ts";
import { openKeys } from "./keys/open-keys.ts";
import { readBackupFile } from "./manifest/backup-file.ts";

async function namedBy(stage: RepositoryStage, { id }: BackupHead): Promise<readonly string[]> {
  await using vault = await stage.open();
  const keys = openKeys(stage.path, vault.identity.id, []);
  return readBackupFile(join(stage.path, `${id}.backup`), keys, ["packs"]).packs.entries.map(({ name }) => name);
}

function here(stage: RepositoryStage): readonly string[] {
  return stage.packs().map((pack) => basename(pack));
}

describe("a pack of a repository", () => {
  it("is left by a backup that uses little of it, and goes with the last backup that names it", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    const write = (from: number, to: number): void => {
      for (let n = from; n < to; n += 1) writeFileSync(stage.join("notes", String(n)), randomBytes(50_000));
    };
    write(0, 20);
    const first = await stage.take("notes");
    const old = await namedBy(stage, first);
    write(1, 40);
    const second = await stage.take("notes");
    expect(await namedBy(stage, second)).toEqual(expect.arrayContaining([...old]));
    const third = await stage.take("notes");
    // Less than two fifths of it were used, and less than a tenth of everything: that was stored once more.
    expect((await namedBy(stage, third)).filter((name) => old.includes(name))).toEqual([]);
    expect(third.manifest.stored_bytes).toBeLessThan(120_000);
    expect(here(stage)).toEqual(expect.arrayContaining([...old]));
    await stage.forget(first.id);
    expect(here(stage)).toEqual(expect.arrayContaining([...old]));
    await stage.forget(second.id);
    expect(here(stage).filter((name) => old.includes(name))).toEqual([]);
    expect(here(stage).toSorted()).toEqual([...(await namedBy(stage, third))].toSorted());
    expect((await stage.contents(third.id)).get("notes/0")?.equals(readFileSync(stage.join("notes", "0")))).toBe(true);
  });

  it("stays while there is a backup that cannot be read, which might name it", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    writeFileSync(stage.join("notes", "a"), randomBytes(1000));
    const first = await stage.take("notes");
    writeFileSync(stage.join("notes", "a"), randomBytes(1000));
    const second = await stage.take("notes");
    const packs = here(stage);
    const path = join(stage.path, `${second.id}.backup`);
    const sound = readFileSync(path);
    writeFileSync(path, sound.subarray(0, -1));
    await stage.forget(first.id);
    expect(here(stage)).toEqual(packs);
    writeFileSync(path, sound);
    await stage.forget();
    expect(here(stage).toSorted()).toEqual([...(await namedBy(stage, second))].toSorted());
    expect((await stage.contents(second.id)).size).toBe(1);
  });
});
