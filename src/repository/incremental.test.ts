import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  linkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { mountAt } from "../../test/support/mount.ts";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import { CaptureError } from "../kernel/index.ts";
import type { BackupId } from "../vault/index.ts";

/** A database of some megabytes in rollback mode, so that a copy of it is the file byte by byte. */
function makeTable(path: string, rows: number): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode=DELETE; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
  addRows(database, rows);
  return database;
}

function addRows(database: DatabaseSync, rows: number): void {
  const insert = database.prepare("INSERT INTO t (x) VALUES (?)");
  database.exec("BEGIN");
  for (let row = 0; row < rows; row += 1) insert.run(randomBytes(1500));
  database.exec("COMMIT");
}

/** What was stored of the notes is what lies there. */
async function expectLive(stage: RepositoryStage, id: BackupId): Promise<void> {
  const contents = await stage.contents(id);
  const names = readdirSync(stage.join("notes"), { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(stage.join("notes", name)).isFile(),
  );
  expect([...contents.keys()].filter((key) => contents.get(key) !== undefined).toSorted()).toEqual(
    names.map((name) => `notes/${name}`).toSorted(),
  );
  for (const name of names) expect(contents.get(`notes/${name}`)?.equals(readFileSync(stage.join("notes", name)))).toBe(true);
}

describe("a backup in repository form after another", () => {
  it("stores what changed: nothing of a state that did not, a page of a database, a chunk of a log", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 200; number += 1) writeFileSync(stage.join("notes", `${number}.md`), randomBytes(2000));
    writeFileSync(stage.join("notes", "big.log"), randomBytes(4_000_000));
    using database = makeTable(stage.join("state.db"), 3000);
    const first = await stage.take("notes", "state.db");
    expect(first.manifest.stored_bytes).toBeGreaterThan(8_000_000);

    const same = await stage.take("notes", "state.db");
    expect(same.manifest.stored_bytes).toBe(0);
    expect(same.manifest.checksum).toBe(first.manifest.checksum);

    database.exec("UPDATE t SET x = zeroblob(1500) WHERE id = 1234");
    appendFileSync(stage.join("notes", "big.log"), randomBytes(20_000));
    writeFileSync(stage.join("notes", "17.md"), "short");
    const changed = await stage.take("notes", "state.db");
    // The last chunk of the log, at most; some pages; the run of entries that changed.
    expect(changed.manifest.stored_bytes).toBeLessThan(1_150_000);

    const contents = await stage.contents(changed.id);
    expect(withoutCounters(contents.get("state.db/state.db")).equals(withoutCounters(readFileSync(stage.join("state.db"))))).toBe(true);
    expect(contents.get("notes/big.log")?.equals(readFileSync(stage.join("notes", "big.log")))).toBe(true);
    expect(contents.get("notes/17.md")?.toString()).toBe("short");
    expect((await stage.contents(first.id)).get("notes/big.log")?.length).toBe(4_000_000);
  });

  it("names again what lay elsewhere: in a folder with another name, in logs that were rotated, in files that changed places", async () => {
    await using stage = new RepositoryStage();
    for (const folder of ["old/deep", "mixed"]) mkdirSync(stage.join("notes", folder), { recursive: true });
    for (let number = 0; number < 40; number += 1) {
      writeFileSync(stage.join("notes", "old", "deep", `${number}.md`), randomBytes(20_000));
      writeFileSync(stage.join("notes", "mixed", `${number}.md`), randomBytes(20_000));
    }
    writeFileSync(stage.join("notes", "old", "large"), randomBytes(3_000_000));
    for (const name of ["app.log", "app.log.1"]) writeFileSync(stage.join("notes", name), randomBytes(2_000_000));
    await stage.take("notes");

    renameSync(stage.join("notes", "old"), stage.join("notes", "another"));
    appendFileSync(stage.join("notes", "app.log"), randomBytes(5000));
    renameSync(stage.join("notes", "app.log.1"), stage.join("notes", "app.log.2"));
    renameSync(stage.join("notes", "app.log"), stage.join("notes", "app.log.1"));
    writeFileSync(stage.join("notes", "app.log"), "begun anew\n");
    // Backwards, which is not the order in which they are asked for: what would take too long is stored again.
    for (let number = 0; number < 40; number += 1)
      renameSync(stage.join("notes", "mixed", `${number}.md`), stage.join("notes", "mixed", `was ${String(99 - number)}.md`));
    const moved = await stage.take("notes");
    // The end of a log, and the entries; of the mixed ones less than half.
    expect(moved.manifest.stored_bytes).toBeLessThan(1_100_000 + 500_000);
    await expectLive(stage, moved.id);
    expect((await stage.take("notes")).manifest.stored_bytes).toBe(0);
  });

  it("names again what a file has that was saved to another one first", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    const state = randomBytes(3_000_000);
    writeFileSync(stage.join("notes", "state"), state);
    writeFileSync(stage.join("notes", "state.tmp"), randomBytes(3_000_000));
    await stage.take("notes");
    // Over its older content, as programs do that keep two files and use them by turns.
    writeFileSync(stage.join("notes", "state.tmp"), Buffer.concat([state, randomBytes(1000)]));
    renameSync(stage.join("notes", "state.tmp"), stage.join("notes", "state"));
    const head = await stage.take("notes");
    expect(head.manifest.stored_bytes).toBeLessThan(1_100_000);
    await expectLive(stage, head.id);
  });

  it("stores what is in a moved file now, and not what was", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    writeFileSync(stage.join("notes", "one"), randomBytes(300_000));
    writeFileSync(stage.join("notes", "two"), randomBytes(300_000));
    await stage.take("notes");
    renameSync(stage.join("notes", "one"), stage.join("notes", "three"));
    const { atime, mtime } = statSync(stage.join("notes", "three"));
    writeFileSync(stage.join("notes", "three"), randomBytes(300_000));
    utimesSync(stage.join("notes", "three"), atime, mtime);
    // Each has the other's name, or a part of the other's content.
    renameSync(stage.join("notes", "two"), stage.join("notes", "one"));
    const head = await stage.take("notes");
    expect(head.manifest.stored_bytes).toBeLessThan(400_000);
    await expectLive(stage, head.id);
  });

  it("gives a file its own entry when the name goes that it was another name of", async () => {
    await using stage = new RepositoryStage();
    for (const name of ["d1", "d2"]) mkdirSync(stage.join("tree", name), { recursive: true });
    for (const [name, text] of [
      ["empty", ""],
      ["full", "some text"],
    ] as const) {
      writeFileSync(stage.join("tree", "d1", name), text);
      linkSync(stage.join("tree", "d1", name), stage.join("tree", "d2", name));
    }
    await stage.take("tree");
    // Of a folder the name alone changes, and of what is in it nothing.
    renameSync(stage.join("tree", "d1"), stage.join("tree", "z1"));
    const { id } = await stage.take("tree");
    expect((await stage.contents(id)).get("tree/d2/full")?.toString()).toBe("some text");
    expect((await stage.contents(id)).get("tree/d2/empty")?.length).toBe(0);
    rmSync(stage.join("tree", "z1"), { recursive: true });
    const last = await stage.take("tree");
    expect([...(await stage.contents(last.id)).keys()].toSorted()).toEqual(["tree/d2/empty", "tree/d2/full"]);
  });

  it("reads a file again whose time of modification was set back", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    const file = stage.join("notes", "a");
    writeFileSync(file, "before");
    const { atime, mtime } = statSync(file);
    await stage.take("notes");
    writeFileSync(file, "after!");
    utimesSync(file, atime, mtime);
    const { id } = await stage.take("notes");
    expect((await stage.contents(id)).get("notes/a")?.toString()).toBe("after!");
  });

  it("pays nothing for a backup of one component between two full ones", async () => {
    await using stage = new RepositoryStage();
    for (const name of ["one", "two"]) {
      mkdirSync(stage.join(name));
      for (let number = 0; number < 50; number += 1) writeFileSync(stage.join(name, String(number)), randomBytes(5000));
    }
    await stage.take("one", "two");
    expect((await stage.take("two")).manifest.stored_bytes).toBe(0);
    const full = await stage.take("one", "two");
    expect(full.manifest.stored_bytes).toBe(0);
    expect((await stage.contents(full.id)).size).toBe(100);
  });

  it.each([
    ["is lost", (stage: RepositoryStage) => stage.loseCache()],
    ["is of an earlier backup", (stage: RepositoryStage) => copyCaches(stage, stage.join("older"), stage.cacheFolder)],
    [
      "has one bit flipped",
      (stage: RepositoryStage) => eachCache(stage, (bytes) => void (bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1)),
    ],
    ["is cut short", (stage: RepositoryStage) => eachCache(stage, () => {}, 100)],
    ["has lost what it names", (stage: RepositoryStage) => sideFiles(stage).forEach((path) => rmSync(path))],
    ["has what it names cut short", (stage: RepositoryStage) => sideFiles(stage).forEach((path) => truncateSync(path, 100))],
  ])("stores no content anew when its cache %s, and what changed it sees", async (_, harm) => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 50; number += 1) writeFileSync(stage.join("notes", String(number)), randomBytes(5000));
    using database = makeTable(stage.join("state.db"), 1000);
    await stage.take("notes", "state.db");
    copyCaches(stage, stage.cacheFolder, stage.join("older"));
    writeFileSync(stage.join("notes", "7"), "seven");
    database.exec("UPDATE t SET x = zeroblob(1500) WHERE id = 500");
    await stage.take("notes", "state.db");
    harm(stage);
    database.exec("UPDATE t SET x = zeroblob(1500) WHERE id = 20");
    const { id, manifest } = await stage.take("notes", "state.db");
    expect(manifest.stored_bytes).toBeLessThan(40_000);
    const contents = await stage.contents(id);
    expect(withoutCounters(contents.get("state.db/state.db")).equals(withoutCounters(readFileSync(stage.join("state.db"))))).toBe(true);
    expect(contents.get("notes/7")?.toString()).toBe("seven");
  });

  it("keeps what the pages of each database were and what was seen of a tree, and leaves little of attempts that failed", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    using database = makeTable(stage.join("state.db"), 100);
    for (let round = 0; round < 3; round += 1) {
      database.exec(`UPDATE t SET x = zeroblob(1500) WHERE id = ${20 + round}`);
      writeFileSync(stage.join("notes", `${round}.md`), "new");
      await stage.take("notes", "state.db");
      expect(sideFiles(stage)).toHaveLength(2);
    }
    for (let round = 0; round < 3; round += 1) {
      database.exec(`UPDATE t SET x = zeroblob(1500) WHERE id = ${30 + round}`);
      await using vault = await stage.open();
      await using draft = await stage.begin(vault);
      const confirm = async (): Promise<void> => await Promise.reject(new CaptureError("COMPONENT_MOVED", "It moved"));
      await expect(stage.store(draft, "state.db", { confirm })).rejects.toThrow("It moved");
      expect(sideFiles(stage)).toHaveLength(2);
      await stage.store(draft, "notes");
      await stage.store(draft, "state.db");
      // And given up.
    }
    expect(sideFiles(stage)).toHaveLength(2);
    // Of one that was killed.
    const [name = "none"] = sideFiles(stage);
    writeFileSync(name.replace(/[0-9a-f]{32}\.side$/, `${"0".repeat(32)}.side`), "left");
    expect(sideFiles(stage)).toHaveLength(3);
    writeFileSync(stage.join("notes", "last.md"), "last");
    const { manifest } = await stage.take("notes", "state.db");
    expect(manifest.stored_bytes).toBeLessThan(20_000);
    expect(sideFiles(stage)).toHaveLength(2);
  });

  it("stores what changed of a database although nothing can be written beside the state, at every backup", async () => {
    await using stage = new RepositoryStage();
    using database = makeTable(stage.join("state.db"), 1000);
    await stage.take("state.db");
    stage.loseCache();
    writeFileSync(stage.cacheFolder, "in the way");
    for (const row of [20, 21, 22]) {
      database.exec(`UPDATE t SET x = zeroblob(1500) WHERE id = ${row}`);
      const { id, manifest } = await stage.take("state.db");
      expect(manifest.stored_bytes).toBeLessThan(20_000);
      const stored = withoutCounters((await stage.contents(id)).get("state.db/state.db"));
      expect(stored.equals(withoutCounters(readFileSync(stage.join("state.db"))))).toBe(true);
    }
  });

  it("leaves no side file on a full disk, which would keep it full", async (context) => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.cacheFolder);
    using _ = mountAt(stage.cacheFolder, ["-t", "tmpfs", "-o", "size=64k", "holdfast-test"], context);
    using database = makeTable(stage.join("state.db"), 14_000);
    await stage.take("state.db");
    for (const row of [20, 21]) {
      expect(componentFiles(stage)).toEqual([expect.stringMatching(/\.cache$/)]);
      database.exec(`UPDATE t SET x = zeroblob(1500) WHERE id = ${row}`);
      expect((await stage.take("state.db")).manifest.stored_bytes).toBeLessThan(20_000);
    }
  });

  it.each([
    ["cannot be read", (path: string) => (rmSync(path), mkdirSync(path))],
    ["is a link to nowhere", (path: string) => (rmSync(path), symlinkSync("nowhere", path))],
  ])("does without a side file that %s", async (_, harm) => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    writeFileSync(stage.join("notes", "a.md"), "a");
    using database = makeTable(stage.join("state.db"), 1000);
    await stage.take("notes", "state.db");
    sideFiles(stage).forEach(harm);
    database.exec("UPDATE t SET x = zeroblob(1500) WHERE id = 20");
    expect((await stage.take("notes", "state.db")).manifest.stored_bytes).toBeLessThan(20_000);
    expect(sideFiles(stage).filter((path) => lstatSync(path).isFile())).toHaveLength(2);
    expect(sideFiles(stage)).toHaveLength(2);
  });

  it("removes what is left of components that nobody has stored for a month", async () => {
    await using stage = new RepositoryStage();
    for (const name of ["old", "new"]) {
      mkdirSync(stage.join(name));
      writeFileSync(stage.join(name, "a.md"), name);
    }
    await stage.take("old", "new");
    const names = (): number => componentFiles(stage).length;
    expect(names()).toBe(4);
    const kept = readdirSync(stage.cacheFolder).map((name) => join(stage.cacheFolder, name));
    const age = (days: number): void => {
      for (const path of kept) if (existsSync(path)) utimesSync(path, Date.now() / 1000 - days * 86_400, Date.now() / 1000 - days * 86_400);
    };
    age(29);
    writeFileSync(stage.join("new", "a.md"), "changed");
    await stage.take("new");
    expect(names()).toBe(4);
    age(31);
    writeFileSync(stage.join("new", "a.md"), "again");
    await stage.take("new");
    expect(names()).toBe(2);
    expect((await stage.take("old", "new")).manifest.stored_bytes).toBeLessThan(2000);
    expect(names()).toBe(4);
  });

  it("knows a database in a tree by what its pages were when they were last read, whatever else of the tree changed since", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    using database = makeTable(stage.join("notes", "a.db"), 1000);
    await stage.take("notes");
    const before = sideFiles(stage);
    writeFileSync(stage.join("notes", "new.md"), "new");
    expect((await stage.take("notes")).manifest.stored_bytes).toBeLessThan(5000);
    const after = sideFiles(stage);
    // Of what was seen of the tree there is a new one.
    expect([after.length, after.filter((path) => before.includes(path)).length]).toEqual([2, 1]);
    database.exec("UPDATE t SET x = zeroblob(1500) WHERE id = 500");
    const { id, manifest } = await stage.take("notes");
    expect(manifest.stored_bytes).toBeLessThan(20_000);
    const stored = withoutCounters((await stage.contents(id)).get("notes/a.db"));
    expect(stored.equals(withoutCounters(readFileSync(stage.join("notes", "a.db"))))).toBe(true);
  });

  it("stores anew what lay in packs that went away, whichever they are", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 50; number += 1) writeFileSync(stage.join("notes", String(number)), randomBytes(5000));
    using database = makeTable(stage.join("state.db"), 3000);
    const first = await stage.take("notes", "state.db");
    for (const pack of stage.packs()) {
      rmSync(pack);
      database.exec("UPDATE t SET x = zeroblob(1500) WHERE id = 20");
      const { id } = await stage.take("notes", "state.db");
      const contents = await stage.contents(id);
      expect(withoutCounters(contents.get("state.db/state.db")).equals(withoutCounters(readFileSync(stage.join("state.db"))))).toBe(true);
      expect([...contents.keys()]).toHaveLength(51);
    }
    await expect(stage.contents(first.id)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
  });

  it("does not write where packs are a link to another place", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    await stage.take("notes");
    renameSync(join(stage.path, "packs"), stage.join("elsewhere"));
    symlinkSync(stage.join("elsewhere"), join(stage.path, "packs"));
    await expect(stage.take("notes")).rejects.toMatchObject({ code: "FILE_SYSTEM_UNSUPPORTED" });
  });

  it("tells what forgetting frees, and frees that", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    const write = (name: string): void => writeFileSync(stage.join("notes", name), randomBytes(300_000));
    write("a");
    const first = await stage.take("notes");
    write("b");
    const second = await stage.take("notes");
    rmSync(stage.join("notes", "b"));
    const third = await stage.take("notes");
    await using vault = await stage.open();
    expect((await vault.freed([first.id])).bytes).toBeLessThan(10_000);
    const freed = (await vault.freed([second.id])).bytes;
    expect(freed).toBeGreaterThan(300_000);
    const before = stage.packBytes();
    await stage.forget(second.id);
    expect(stage.packBytes()).toBe(before - freed);
    expect((await stage.contents(third.id)).size).toBe(1);
  });

  it("gives back every state of twenty, whatever changed and whichever cache was lost, and forgets without harm to the others", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("tree"));
    using database = makeTable(stage.join("state.db"), 800);
    const kept = new Map<string, Map<string, Buffer>>();
    let largest = 0;
    for (let step = 0; step < 20; step += 1) {
      churn(stage, database, step);
      if (step % 7 === 3) stage.loseCache();
      const { id } = await stage.take("tree", "state.db");
      kept.set(id, snapshot(stage));
      if (step % 5 !== 4) continue;
      const gone = [...kept.keys()].slice(0, 3) as (typeof id)[];
      await stage.forget(...gone);
      for (const old of gone) kept.delete(old);
      const live = [...(kept.get(id)?.values() ?? [])].reduce((sum, bytes) => sum + bytes.length, 0);
      largest = Math.max(largest, stage.packBytes() / live);
    }
    for (const [id, expected] of kept) {
      const contents = await stage.contents(id as never);
      expect([...contents.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
      for (const [path, bytes] of expected) {
        const found = contents.get(path);
        expect(
          path === "state.db/state.db" ? withoutCounters(found).equals(withoutCounters(bytes)) : found?.equals(bytes),
          `${id} ${path}`,
        ).toBe(true);
      }
    }
    // What nobody names is gone: some backups of a state that changes by a tenth at each step.
    expect(largest).toBeLessThan(5);
  });
});

/** Random changes of every kind, the same for the same step. */
function churn(stage: RepositoryStage, database: DatabaseSync, step: number): void {
  const tree = stage.join("tree");
  for (let number = 0; number < 5; number += 1)
    writeFileSync(join(tree, `${(step * 13 + number * 7) % 60}.md`), randomBytes(300 + number * 1000));
  if (step % 6 === 5) rmSync(join(tree, readdirSync(tree)[step % 10] ?? "none"), { force: true });
  const log = join(tree, "run.log");
  if (step % 10 === 9) truncateSync(log, 100_000);
  else appendFileSync(log, randomBytes(90_000));
  for (let change = 0; change < 4; change += 1)
    database.exec(`UPDATE t SET x = zeroblob(${(step * 31) % 1500}) WHERE id = ${(step * 97 + change * 211) % 800}`);
  if (step % 8 === 2) addRows(database, 200);
  if (step % 8 === 6) database.exec("DELETE FROM t WHERE id % 5 = 1; VACUUM");
}

/** A copy through SQLite counts its own changes: in bytes 24 to 28, 40 to 44 and 92 to 100 of the header. */
function withoutCounters(database: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.from(database).fill(0, 24, 28).fill(0, 40, 44).fill(0, 92, 100);
}

function snapshot(stage: RepositoryStage): Map<string, Buffer> {
  const files = readdirSync(stage.join("tree")).map((name) => [`tree/${name}`, readFileSync(stage.join("tree", name))] as const);
  return new Map([...files, ["state.db/state.db", readFileSync(stage.join("state.db"))] as const]);
}

function copyCaches(_: RepositoryStage, from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
}

/** What lies in the cache of components: all but what is kept of the vault as a whole. */
function componentFiles(stage: RepositoryStage): readonly string[] {
  return readdirSync(stage.cacheFolder).filter((name) => !name.endsWith(".sound"));
}

function sideFiles(stage: RepositoryStage): readonly string[] {
  return readdirSync(stage.cacheFolder)
    .filter((name) => name.endsWith(".side"))
    .map((name) => join(stage.cacheFolder, name));
}

function eachCache(stage: RepositoryStage, change: (bytes: Buffer) => void, length?: number): void {
  for (const name of readdirSync(stage.cacheFolder)) {
    const bytes = readFileSync(join(stage.cacheFolder, name));
    change(bytes);
    writeFileSync(join(stage.cacheFolder, name), bytes.subarray(0, length));
  }
}
