import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import type { BackupHead } from "../vault/index.ts";
import type { ComponentCache } from "./cache/component-cache.ts";
import { readCache, writeCache, type CachePlace } from "./cache/cache-folder.ts";
import { openKeys } from "./keys/open-keys.ts";
import { readBackupFile } from "./manifest/backup-file.ts";
import { decodeRoots, treeName } from "./tree/roots.ts";

async function cachePlace(stage: RepositoryStage): Promise<CachePlace> {
  await using vault = await stage.open();
  return { folder: stage.cacheFolder, vault: vault.identity.id, keys: openKeys(stage.path, vault.identity.id, []) };
}

function treeOf(stage: RepositoryStage, { keys }: CachePlace, { id }: BackupHead, component: string): string {
  const { roots } = readBackupFile(join(stage.path, `${id}.backup`), keys, ["roots"]);
  const root = decodeRoots(roots).find(({ name }) => name === component);
  if (root === undefined) throw new Error(`No "${component}" in ${id}`);
  return treeName(root.root);
}

/** Two backups, of which the second is taken away again: its cache then says of the first what is true of the second. */
async function lie(
  stage: RepositoryStage,
  component: string,
  change: () => void,
  more: (cache: ComponentCache) => Partial<ComponentCache> = () => ({}),
): Promise<void> {
  const first = await stage.take(component);
  change();
  const second = await stage.take(component);
  const place = await cachePlace(stage);
  const cache = readCache(place, component, treeOf(stage, place, second, component)) as ComponentCache;
  await stage.forget(second.id);
  expect(writeCache(place, component, { ...cache, ...more(cache), tree: treeOf(stage, place, first, component) })).toBe(true);
}

/** Its databases are read: only what is compared with is not what was stored. */
function unseen({ databases }: ComponentCache): Partial<ComponentCache> {
  return { memory: undefined, databases: new Map([...databases].map(([path, seen]) => [path, { ...seen, look: null }])) };
}

function makeTable(path: string, rows: number): void {
  using database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode=DELETE; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB); BEGIN");
  const insert = database.prepare("INSERT INTO t (x) VALUES (?)");
  for (let row = 0; row < rows; row += 1) insert.run(randomBytes(1500));
  database.exec("COMMIT");
}

function zeroRow(path: string): void {
  using database = new DatabaseSync(path);
  database.exec("UPDATE t SET x = zeroblob(1500) WHERE id = 100");
}

describe("a cache that lies", () => {
  it("whatever byte of it was changed, is none: the backup after it is right", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 20; number += 1) writeFileSync(stage.join("notes", String(number)), randomBytes(500));
    await stage.take("notes");
    const file = readdirSync(stage.cacheFolder).find((name) => name.endsWith(".cache")) ?? "";
    for (let part = 0; part < 8; part += 1) {
      const path = join(stage.cacheFolder, file);
      const bytes = readFileSync(path);
      const at = Math.floor(((part + 0.5) * bytes.length) / 8);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << part);
      writeFileSync(path, bytes);
      writeFileSync(stage.join("notes", String(part)), randomBytes(500));
      const { id, manifest } = await stage.take("notes");
      const contents = await stage.contents(id);
      for (let number = 0; number < 20; number += 1)
        expect(contents.get(`notes/${number}`)?.equals(readFileSync(stage.join("notes", String(number))))).toBe(true);
      expect(manifest.stored_bytes).toBeLessThan(5000);
    }
  });

  it("about a page of a database among other files, whatever comes before it and however much: its backup does not read back", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    for (const name of ["a.db", "b.db"]) makeTable(stage.join("notes", name), 100);
    // More than what a thread is asked to read back at once.
    writeFileSync(stage.join("notes", "c.bin"), randomBytes(17 * 1024 * 1024));
    const change = (): void => zeroRow(stage.join("notes", "b.db"));
    await lie(stage, "notes", change, unseen);
    const { id } = await stage.take("notes");
    await using vault = await stage.open();
    await using reader = await vault.open(id);
    await expect(reader.prove?.()).rejects.toMatchObject({ code: "BACKUP_DAMAGED", details: { path: "notes/b.db" } });
  });

  it.each([
    ["small", 200],
    ["large enough for both threads", 14_000],
  ])(
    "about a page of a %s database, sealed with the key: the backup does not read back, and once that is known the next one is right",
    async (_, rows) => {
      await using stage = new RepositoryStage();
      makeTable(stage.join("state.db"), rows);
      await lie(stage, "state.db", () => zeroRow(stage.join("state.db")), unseen);
      const wrong = await stage.take("state.db");
      await expect(stage.contents(wrong.id)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
      await using vault = await stage.open();
      const proving = Array.fromAsync([wrong.id], async (id) => {
        await using reader = await vault.open(id);
        return await reader.prove?.();
      });
      await expect(proving).rejects.toMatchObject({ code: "BACKUP_DAMAGED", details: { path: "state.db/state.db" } });
      const verdict = { at: wrong.manifest.timestamp, holdfast_version: "0", entries: 0, bytes: 0, ok: false, problem: "state.db differs" };
      await vault.setMark(wrong.id, "verified", { ...verdict, manifest_sha256: wrong.manifestSha256 });
      const { id } = await stage.take("state.db");
      const stored = (await stage.contents(id)).get("state.db/state.db");
      expect(withoutCounters(stored).equals(withoutCounters(readFileSync(stage.join("state.db"))))).toBe(true);
    },
  );

  it("about a file, sealed with the key: it is believed for a week, and not longer", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    const file = stage.join("notes", "a");
    writeFileSync(file, "before");
    await lie(stage, "notes", () => writeFileSync(file, "after!"));
    const wrong = await stage.take("notes");
    expect((await stage.contents(wrong.id)).get("notes/a")?.toString()).toBe("before");
    stage.pass(7 * 24);
    const { id } = await stage.take("notes");
    expect((await stage.contents(id)).get("notes/a")?.toString()).toBe("after!");
  });
});

/** A copy through SQLite counts its own changes: in bytes 24 to 28, 40 to 44 and 92 to 100 of the header. */
function withoutCounters(database: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.from(database).fill(0, 24, 28).fill(0, 40, 44).fill(0, 92, 100);
}
