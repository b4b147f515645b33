import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { fakeReader } from "../../test/support/fake-reader.ts";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { PagesHash, type BackupHead, type BackupReader, type ContentsModule, type LocatedBackup } from "../vault/index.ts";
import { PART_BYTES } from "./located-work.ts";
import { restoreTo, type RestoredTo, type RestoreToRequest } from "./restore-to.ts";

const MEGABYTE = 1024 * 1024;

async function restore(
  stage: RepositoryStage,
  { id }: BackupHead,
  rest: Partial<RestoreToRequest> = {},
): Promise<RestoredTo & { readonly at: (...names: string[]) => string }> {
  await using vault = await stage.open();
  await using reader = await vault.open(id);
  const restored = await restoreTo({ reader, folder: stage.join("to"), owner: "current", ...rest });
  return { ...restored, at: (...names) => join(stage.join("to"), ...names) };
}

/** Files below a folder that this process has open, whichever thread opened them. */
function heldBelow(folder: string): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((number) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${number}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      // The one that lists them.
      return [];
    }
  });
}

/** Notes in two folders, and one file of so many bytes. */
function fill(stage: RepositoryStage, large: number): void {
  for (const folder of ["notes", "notes/a", "notes/b"]) mkdirSync(stage.join(folder));
  for (let number = 0; number < 400; number += 1)
    writeFileSync(stage.join("notes", number % 2 === 0 ? "a" : "b", String(number)), randomBytes(3 * number));
  writeFileSync(stage.join("notes", "large"), randomBytes(large));
}

describe.each([
  ["in this thread", 500_000],
  ["in threads", 20_000_000],
])("restoreTo() of located contents, %s", (_, large) => {
  it("gives every file its own bytes, whichever backup stored them, with its mode and time", async () => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    await stage.take("notes");
    // Every seventh note is stored anew, in other packs, and a link is its other name.
    for (let round = 0; round < 3; round += 1) {
      for (let number = round; number < 400; number += 7)
        writeFileSync(stage.join("notes", number % 2 === 0 ? "a" : "b", String(number)), `${round}/${number}`);
      await stage.take("notes");
    }
    linkSync(stage.join("notes", "a", "8"), stage.join("notes", "b", "again"));
    utimesSync(stage.join("notes", "a", "4"), 1_000_000_000, 1_000_000_001.5);
    const { at, entries, bytes } = await restore(stage, await stage.take("notes"));
    const names = readdirSync(stage.join("notes"), { recursive: true }) as string[];
    const written = readdirSync(at("notes"), { recursive: true }) as string[];
    expect(written.toSorted()).toEqual(names.toSorted());
    let sum = 0;
    for (const name of names) {
      const [live, restored] = [statSync(stage.join("notes", name)), statSync(at("notes", name))];
      expect([restored.mode, Math.abs(restored.mtimeMs - live.mtimeMs) < 0.01], name).toEqual([live.mode, true]);
      if (!live.isFile()) continue;
      if (name !== "b/again") sum += live.size;
      expect(readFileSync(at("notes", name)).equals(readFileSync(stage.join("notes", name))), name).toBe(true);
    }
    expect([entries, bytes]).toEqual([names.length + 1, sum]);
    expect(statSync(at("notes", "b", "again")).ino).toBe(statSync(at("notes", "a", "8")).ino);
  });

  it("gives a log that grew in many backups, and a database whose pages lie in layers, and checks it", async () => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    writeFileSync(stage.join("log"), randomBytes(large));
    const database = new DatabaseSync(stage.join("db"));
    database.exec("PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
    database.exec(
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, randomblob(2000) FROM n",
    );
    let head: BackupHead | undefined;
    for (let round = 0; round < 3; round += 1) {
      head = await stage.take("log", "db", "notes");
      writeFileSync(stage.join("log"), randomBytes(40_000), { flag: "a" });
      database.exec(`UPDATE t SET x = randomblob(2000) WHERE id % 97 = ${round}`);
    }
    database.close();
    head = await stage.take("log", "db", "notes");
    let told = 0;
    const { at, databases, bytes } = await restore(stage, head, { onBytes: (more) => (told += more) });
    expect(heldBelow(stage.join())).toEqual([]);
    expect(databases).toEqual([{ path: "db", complaint: null, damaged: false }]);
    expect(told).toBe(bytes);
    expect(readFileSync(at("log")).equals(readFileSync(stage.join("log")))).toBe(true);
    using restored = new DatabaseSync(at("db"), { readOnly: true });
    using live = new DatabaseSync(stage.join("db"), { readOnly: true });
    const all = "SELECT id, hex(x) FROM t";
    expect(restored.prepare(all).all()).toEqual(live.prepare(all).all());
  });

  it("makes the holes of a sparse file again", async () => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    const descriptor = openSync(stage.join("notes", "sparse"), "w");
    writeSync(descriptor, "begin", 0);
    writeSync(descriptor, "middle", 9 * MEGABYTE);
    ftruncateSync(descriptor, 20 * MEGABYTE);
    closeSync(descriptor);
    const { at } = await restore(stage, await stage.take("notes"));
    expect(readFileSync(at("notes", "sparse")).equals(readFileSync(stage.join("notes", "sparse")))).toBe(true);
    expect(statSync(at("notes", "sparse")).blocks * 512).toBeLessThan(500_000);
  });

  it("names file and pack when a bit of a pack is flipped, publishes nothing, and lets go of everything", async () => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    const head = await stage.take("notes");
    for (const pack of stage.packs()) {
      const whole = readFileSync(pack);
      const at = 100 + ((whole.length - 100) >> 2);
      writeFileSync(pack, Buffer.from(whole).fill((whole[at] ?? 0) ^ 1, at, at + 1));
      await expect(restore(stage, head)).rejects.toMatchObject({
        code: "BACKUP_DAMAGED",
        message: expect.stringMatching(
          /^"notes\/(?:large|[ab]\/\d+)" is damaged: cannot read pack "[0-9a-f]{64}" .* does not authenticate$/,
        ),
        details: { path: expect.stringMatching(/^notes\//), component: "notes" },
      });
      expect(heldBelow(stage.join())).toEqual([]);
      // Nothing at all when no byte was written before.
      const left = existsSync(stage.join("to")) ? readdirSync(stage.join("to")) : [];
      expect(left.filter((name) => name !== ".holdfast-unfinished-restore")).toEqual([]);
      rmSync(stage.join("to"), { recursive: true, force: true });
      writeFileSync(pack, whole);
    }
    await restore(stage, head);
  });

  it("stops when it is told to, in the midst of a file", async () => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    const head = await stage.take("notes");
    const controller = new AbortController();
    const stopped = restore(stage, head, { signal: controller.signal, onBytes: () => controller.abort() });
    await expect(stopped).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(existsSync(stage.join("to", "notes"))).toBe(false);
  });
});

describe("restoreTo() beside a thread that dies", () => {
  it("fails with what became of the thread, and publishes nothing", async () => {
    using folder = temporaryFolder();
    const large = Buffer.alloc(9 * MEGABYTE, "x");
    const reader = fakeReader({ memory: {} }, [
      ["memory"],
      ...Array.from({ length: 4 }, (_, n) => [`memory/${n}`, { content: large }] as const),
    ]);
    const bytes = (): Iterable<Uint8Array> => [large];
    const located: LocatedBackup = {
      module: "data:text/javascript,export const openContents = () => ({ read: () => process.exit(7), [Symbol.dispose]: () => {} });",
      data: null,
      open: () => ({ read: bytes, [Symbol.dispose]: () => {} }),
      entries: async function* (options) {
        for await (const { entry, content } of reader.read(options))
          yield content === undefined ? { entry } : { entry, content: { at: null, near: undefined, divisible: false } };
      },
    };
    const dying: BackupReader = { ...reader, located: () => located };
    await expect(restoreTo({ reader: dying, folder: folder.join("to"), owner: "current" })).rejects.toMatchObject({
      code: "INTERNAL",
      message: "A worker thread ended",
    });
    expect(readdirSync(folder.join("to"))).toEqual([".holdfast-unfinished-restore"]);
  });
});

describe("restoreTo() of a database in parts", () => {
  it("gives the pages of every layer, whichever thread wrote them, and the check", async () => {
    await using stage = new RepositoryStage();
    const database = new DatabaseSync(stage.join("db"));
    database.exec("PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
    database.exec(
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1200) INSERT INTO t SELECT i, randomblob(64000) FROM n",
    );
    await stage.take("db");
    for (let round = 0; round < 3; round += 1) {
      database.exec(`UPDATE t SET x = randomblob(64000) WHERE id % 97 = ${round}`);
      await stage.take("db");
    }
    database.close();
    const live = readFileSync(stage.join("db"));
    expect(live.length).toBeGreaterThan(2 * PART_BYTES);
    let told = 0;
    const { at, databases } = await restore(stage, await stage.take("db"), { onBytes: (more) => (told += more) });
    expect(databases).toEqual([{ path: "db", complaint: null, damaged: false }]);
    expect(told).toBe(live.length);
    const restored = readFileSync(at("db"));
    // The copy of a database that nobody has open counts one change more in its first page.
    expect(restored.subarray(4096).equals(live.subarray(4096))).toBe(true);
    expect([restored.length, statSync(at("db")).mode]).toEqual([live.length, statSync(stage.join("db")).mode]);
    expect(heldBelow(stage.join())).toEqual([]);
  });

  const SIZE = 2 * PART_BYTES + 12_345;
  const MODULE = `data:text/javascript,${encodeURIComponent(`
    export const openContents = () => ({
      *read({ wrong, short, long }, { from, to }) {
        const bytes = Buffer.alloc(to - from, "x");
        if (wrong >= from && wrong < to) bytes[wrong - from] = 0;
        for (let at = short === from ? 1 : 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
        if (long === from) yield bytes.subarray(0, 1);
      },
      [Symbol.dispose]: () => {},
    })`)}`;

  interface Fault {
    /** Of one byte. */
    readonly wrong?: number;
    /** Of a part that has a byte too few, or too many. */
    readonly short?: number;
    readonly long?: number;
  }

  async function restoreDivided(folder: string, fault: Fault): Promise<RestoredTo> {
    const content = Buffer.alloc(SIZE, "x");
    const hash = new PagesHash();
    hash.update(content);
    const pages_sha256 = hash.digest();
    const reader = fakeReader({ memory: {} }, [["memory"], ["memory/db", { content }]]);
    const { openContents } = (await import(MODULE)) as ContentsModule;
    const located: LocatedBackup = {
      module: MODULE,
      data: null,
      open: () => openContents(null),
      entries: async function* ({ select = () => true } = {}) {
        for await (const { sha256, ...entry } of reader.entries())
          if (!select(entry)) continue;
          else if (sha256 === undefined) yield { entry };
          else yield { entry: { ...entry, pages_sha256 }, content: { at: fault, near: undefined, divisible: true } };
      },
    };
    return await restoreTo({ reader: { ...reader, located: () => located }, folder, owner: "current" });
  }

  it("takes parts that are whole", async () => {
    using folder = temporaryFolder();
    await restoreDivided(folder.join("to"), {});
    expect(readFileSync(folder.join("to", "memory", "db")).equals(Buffer.alloc(SIZE, "x"))).toBe(true);
  });

  it.each<Fault>([
    { wrong: 0 },
    { wrong: PART_BYTES },
    { wrong: SIZE - 1 },
    { short: 0 },
    { short: 2 * PART_BYTES },
    { long: 0 },
    { long: 2 * PART_BYTES },
  ])("publishes nothing when one is not what was recorded: %o", async (fault) => {
    using folder = temporaryFolder();
    await expect(restoreDivided(folder.join("to"), fault)).rejects.toMatchObject({
      code: "BACKUP_DAMAGED",
      message: '"memory/db" is damaged: its content is not the one that was recorded',
    });
    expect(readdirSync(folder.join("to"))).toEqual([".holdfast-unfinished-restore"]);
    expect(heldBelow(folder.join("to"))).toEqual([]);
  });
});
