import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import type { BackupHead } from "../vault/index.ts";
import { openKeys } from "./keys/open-keys.ts";
import { readBackupFile } from "./manifest/backup-file.ts";
import { packPath } from "./pack/pack-place.ts";
import { openPack } from "./pack/pack-reader.ts";

/** A tree with a database before many files, of which a late one has changed since the first of two backups. */
async function twoBackups(
  stage: RepositoryStage,
): Promise<{ readonly first: BackupHead; readonly second: BackupHead; readonly pack: string }> {
  mkdirSync(stage.join("state", "notes"), { recursive: true });
  for (let number = 100; number < 500; number += 1) writeFileSync(stage.join("state", "notes", `${number}`), randomBytes(50));
  say(stage, "one");
  const first = await stage.take("state");
  const before = new Set(stage.packs());
  writeFileSync(stage.join("state", "notes", "490"), "changed");
  const second = await stage.take("state");
  const [pack = "none", ...others] = stage.packs().filter((path) => !before.has(path));
  expect(others).toEqual([]);
  return { first, second, pack };
}

function say(stage: RepositoryStage, word: string): void {
  using database = new DatabaseSync(stage.join("state", "agent.db"));
  database.exec("PRAGMA journal_mode=DELETE; CREATE TABLE IF NOT EXISTS t (x); DELETE FROM t");
  database.prepare("INSERT INTO t VALUES (?)").run(word);
}

/** One bit of every frame of metadata. */
async function harmMetadata(stage: RepositoryStage, { id }: BackupHead, pack: string): Promise<void> {
  await using vault = await stage.open();
  const keys = openKeys(stage.path, vault.identity.id, []);
  const { packs } = readBackupFile(join(stage.path, `${id}.backup`), keys, ["packs"]);
  const place = packs.entries.find(({ name }) => packPath(stage.path, name) === pack);
  if (place === undefined) throw new Error(`The backup names no ${pack}`);
  const bytes = readFileSync(pack);
  using reader = openPack(stage.path, place, keys);
  for (const { kind, offset, stored } of reader.frames) if (kind === "meta") bytes[offset + (stored >> 1)]! ^= 1;
  writeFileSync(pack, bytes);
}

describe("a backup that turns out not to be fit for comparing when its component is stored", () => {
  it("has told nothing of its databases: they are not taken from an older backup in its place", async () => {
    await using stage = new RepositoryStage();
    const { second, pack } = await twoBackups(stage);
    say(stage, "two");
    await stage.take("state");
    await harmMetadata(stage, second, pack);
    const { id } = await stage.take("state");
    const stored = (await stage.contents(id)).get("state/agent.db");
    expect(stored?.includes("two")).toBe(true);
    expect((await stage.contents(id)).get("state/notes/490")?.toString()).toBe("changed");
    // What the reading saw is for the next one, whichever backup it was compared with.
    const sides = readdirSync(stage.cacheFolder).filter((name) => name.endsWith(".side"));
    expect(sides).toHaveLength(2);
    await using vault = await stage.open();
    await using draft = await stage.begin(vault);
    const memory = draft.known?.("state")?.memory;
    expect(memory?.read(0, 400 * 41)).toHaveLength(400 * 41);
  });

  it("does not keep its databases from being stored where there is no older one", async () => {
    await using stage = new RepositoryStage();
    const { first, second, pack } = await twoBackups(stage);
    await harmMetadata(stage, second, pack);
    await stage.forget(first.id);
    for (const _ of ["now", "and again"]) {
      const { id } = await stage.take("state");
      const contents = await stage.contents(id);
      expect(contents.get("state/agent.db")?.includes("one")).toBe(true);
      expect(contents.size).toBe(401);
    }
  });
});

describe("a component that fails after everything of it was stored", () => {
  it("is not in the checksum of the backup that goes on without it", async () => {
    await using stage = new RepositoryStage();
    for (const name of ["lost", "kept"]) {
      mkdirSync(stage.join(name));
      for (let number = 0; number < 20; number += 1) writeFileSync(stage.join(name, `${number}`), randomBytes(50));
    }
    await using vault = await stage.open();
    await using draft = await stage.begin(vault);
    const memory = (): never => {
      throw new Error("no memory");
    };
    await expect(stage.store(draft, "lost", { memory })).rejects.toThrow("no memory");
    const { bytes, entries, changed } = await stage.store(draft, "kept");
    const kept = { source: "tree" as const, resolved_path: stage.join("kept"), stored_as: "kept", bytes, entries, changed };
    const common = { omissions: [], warnings: [], suspect: false, whole: true, importance: "critical" as const };
    const { id } = await stage.commit(draft, { kept: { ...kept, ...common } });
    expect((await stage.contents(id)).size).toBe(20);
  });
});
