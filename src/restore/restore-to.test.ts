import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { createBank, moveMoney } from "../../test/support/bank.ts";
import { fakeReader } from "../../test/support/fake-reader.ts";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Entry } from "../vault/index.ts";
import { restoreTo, type RestoreToRequest } from "./restore-to.ts";

const COMPONENTS = {
  persistence: { source: "sqlite", storedAs: "state.db" },
  memory: {},
  config: { source: "file", storedAs: "config/company.yaml" },
} as const;

async function restored(
  folder: TemporaryFolder,
  reader: RestoreToRequest["reader"],
  rest: Partial<RestoreToRequest> = {},
): ReturnType<typeof restoreTo> {
  return await restoreTo({ reader, folder: folder.join("to"), owner: "current", ...rest });
}
const text = (folder: TemporaryFolder, ...names: string[]): string => readFileSync(folder.join("to", ...names), "utf8");
const at =
  (...places: string[]) =>
  (entry: Entry): boolean =>
    places.includes(`${entry.component}/${entry.path}`);

/** The bytes of a closed database. */
function database(orphan = false): Buffer {
  using folder = temporaryFolder();
  {
    using bank = createBank(folder.join("bank.db"), "delete");
    moveMoney(bank);
    if (orphan)
      bank.exec(
        "PRAGMA foreign_keys = OFF; CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a INTEGER REFERENCES a); INSERT INTO b VALUES (1)",
      );
  }
  return readFileSync(folder.join("bank.db"));
}

describe("restoreTo()", () => {
  it("puts a whole backup into a folder, in the layout of the backup, and says what it did", async () => {
    using folder = temporaryFolder();
    const bytes = database();
    const reader = fakeReader(COMPONENTS, [
      ["persistence/state.db", { content: bytes, database: true, piece: 1000 }],
      ["memory"],
      ["memory/notes"],
      ["memory/notes/a.md", { content: "# A" }],
      ["memory/notes/b.md", { type: "symlink", target: "a.md" }],
      ["config/company.yaml", { content: "name: Acme" }],
    ]);
    let told = 0;
    const result = await restored(folder, reader, { onBytes: (more) => (told += more) });
    expect(result).toEqual({
      folder: folder.join("to"),
      components: ["persistence", "memory", "config"],
      entries: 6,
      bytes: bytes.length + 3 + 10,
      databases: [{ path: "state.db", complaint: null, damaged: false }],
      checkMillis: expect.any(Number),
    });
    expect(told).toBe(result.bytes);
    expect(text(folder, "memory", "notes", "a.md")).toBe("# A");
    expect(text(folder, "config", "company.yaml")).toBe("name: Acme");
    expect(readFileSync(folder.join("to", "state.db")).equals(bytes)).toBe(true);
    expect(readdirSync(folder.join("to")).toSorted()).toEqual(["config", "memory", "state.db"]);
  });

  it("writes only what was selected, with the folders that lead there, and opens no other content", async () => {
    using folder = temporaryFolder();
    const reader = fakeReader(COMPONENTS, [
      ["memory"],
      ["memory/notes", { mode: 0o777 }],
      ["memory/notes/a.md", { content: "a" }],
      ["memory/notes/b.md", { content: "b" }],
      ["config/company.yaml", { content: "c" }],
    ]);
    const result = await restored(folder, reader, { select: at("memory/notes/b.md") });
    expect(result).toMatchObject({ components: ["memory"], entries: 1, bytes: 1 });
    expect(readdirSync(folder.join("to"), { recursive: true })).toEqual(["memory", "memory/notes", "memory/notes/b.md"]);
    expect(statSync(folder.join("to", "memory", "notes")).mode & 0o777).toBe(0o700);
    expect(reader.opened).toEqual(["memory/notes/b.md"]);
  });

  it("says what is wrong with each restored database, and restores them all the same", async () => {
    using folder = temporaryFolder();
    const reader = fakeReader({ persistence: COMPONENTS.persistence, memory: {} }, [
      ["persistence/state.db", { content: database(true), database: true }],
      ["memory"],
      ["memory/index.db", { content: "no database any more", database: true }],
      ["memory/fine.db", { content: database(), database: true, mode: 0o400 }],
    ]);
    const { databases } = await restored(folder, reader);
    expect(databases).toEqual([
      { path: "state.db", complaint: 'foreign_key_check: a row of "b" refers to a row of "a" that is not there', damaged: false },
      { path: "memory/index.db", complaint: "file is not a database", damaged: true },
      { path: "memory/fine.db", complaint: null, damaged: false },
    ]);
    expect(readdirSync(folder.join("to", "memory")).toSorted()).toEqual(["fine.db", "index.db"]);
    using opened = new DatabaseSync(folder.join("to", "state.db"), { readOnly: true });
    expect(opened.prepare("SELECT count(*) AS n FROM log").get()).toEqual({ n: 1 });
  });

  it.each([
    ["damaged", { damaged: true, content: "half" }, "BACKUP_DAMAGED"],
    ["stored by a name that is too long", { type: "symlink", target: "x".repeat(5000) } as const, "FILE_SYSTEM"],
  ])(
    "leaves what was written in a folder that says it is unfinished when an entry is %s, and refuses that folder afterwards",
    async (_what, bad, code) => {
      using folder = temporaryFolder();
      const reader = fakeReader(COMPONENTS, [["memory"], ["memory/a", { content: Buffer.alloc(2 * 1024 * 1024, 1) }], ["memory/b", bad]]);
      await expect(restored(folder, reader)).rejects.toMatchObject({ code });
      expect(readdirSync(folder.join("to"))).toEqual([".holdfast-unfinished-restore"]);
      await expect(restored(folder, reader)).rejects.toMatchObject({ code: "TARGET_NOT_EMPTY" });
    },
  );

  it("leaves nothing of a folder that it made when nothing was written, and an empty one as it was", async () => {
    using folder = temporaryFolder();
    const reader = fakeReader(COMPONENTS, [["memory"], ["memory/b", { damaged: true, content: "" }]]);
    await expect(restored(folder, reader)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
    expect(readdirSync(folder.path)).toEqual([]);
    mkdirSync(folder.join("to"));
    await expect(restored(folder, reader)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
    expect(readdirSync(folder.path, { recursive: true })).toEqual(["to"]);
  });

  it("names a full disk, and publishes nothing", async (context) => {
    using disk = mountTmpfs(512 * 1024, context);
    const reader = fakeReader(COMPONENTS, [["memory"], ["memory/a", { content: Buffer.alloc(1024 * 1024, 1), piece: 65_536 }]]);
    const folder = `${disk.path}/to`;
    await expect(restoreTo({ reader, folder, owner: "current" })).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(readdirSync(folder)).toEqual([".holdfast-unfinished-restore"]);
  });

  it("stops at once when it is told to, and publishes nothing", async () => {
    using folder = temporaryFolder();
    const abort = new AbortController();
    const reader = fakeReader(COMPONENTS, [["memory"], ["memory/a", { content: "a" }], ["memory/b", { content: "b" }]]);
    const stop = (): void => abort.abort(new Error("enough"));
    await expect(restored(folder, reader, { signal: abort.signal, onBytes: stop })).rejects.toThrow("enough");
    expect(existsSync(folder.join("to", "memory"))).toBe(false);
  });
});

describe("restoreTo() of hard links", () => {
  const GROUP = [
    ["memory"],
    ["memory/a", { content: "shared" }],
    ["memory/b", { hard_link: "a", size: 6 }],
    ["memory/c", { hard_link: "a", size: 6 }],
    ["memory/other", { content: "other" }],
  ] as const;

  it("gives the file all its names again", async () => {
    using folder = temporaryFolder();
    const result = await restored(folder, fakeReader(COMPONENTS, GROUP));
    const inodes = ["a", "b", "c"].map((name) => statSync(folder.join("to", "memory", name)).ino);
    expect(new Set(inodes).size).toBe(1);
    expect(statSync(folder.join("to", "memory", "a")).nlink).toBe(3);
    expect(text(folder, "memory", "c")).toBe("shared");
    expect(result.entries).toBe(5);
  });

  it.each([
    ["the second name alone", ["b"]],
    ["the last name alone", ["c"]],
    ["two names without the first", ["b", "c"]],
    ["the first and the last", ["a", "c"]],
  ])("gives %s the content that is stored with the first", async (_what, names) => {
    using folder = temporaryFolder();
    const result = await restored(folder, fakeReader(COMPONENTS, GROUP), { select: at(...names.map((name) => `memory/${name}`)) });
    expect(readdirSync(folder.join("to", "memory"))).toEqual(names);
    for (const name of names) expect(text(folder, "memory", name)).toBe("shared");
    expect(new Set(names.map((name) => statSync(folder.join("to", "memory", name)).ino)).size).toBe(1);
    expect(result.entries).toBe(names.length);
  });

  it("does not take a name of another component for the first", async () => {
    using folder = temporaryFolder();
    const reader = fakeReader({ memory: {}, notes: {} }, [
      ["memory"],
      ["memory/a", { content: "of memory" }],
      ["notes"],
      ["notes/a", { content: "of notes" }],
      ["notes/b", { hard_link: "a", size: 8 }],
    ]);
    await restored(folder, reader, { select: at("notes/b") });
    expect(text(folder, "notes", "b")).toBe("of notes");
  });

  it("fails, and makes no empty file, when the first name never came", async () => {
    using folder = temporaryFolder();
    const reader = fakeReader(COMPONENTS, [["memory"], ["memory/b", { hard_link: "gone", size: 6 }]]);
    await expect(restored(folder, reader)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
    expect(existsSync(folder.join("to", "memory"))).toBe(false);
  });

  it("checks a database that is restored by its second name", async () => {
    using folder = temporaryFolder();
    const bytes = database();
    const reader = fakeReader(COMPONENTS, [
      ["memory"],
      ["memory/a.db", { content: bytes, database: true }],
      ["memory/b.db", { hard_link: "a.db", size: bytes.length, database: true }],
    ]);
    expect((await restored(folder, reader, { select: at("memory/b.db") })).databases).toEqual([
      { path: "memory/b.db", complaint: null, damaged: false },
    ]);
  });
});

describe("restoreTo() and owners", () => {
  const MINE = { uid: 65_534, gid: 65_534 };

  it("gives files, folders and links to their recorded owners", async () => {
    using folder = temporaryFolder();
    const reader = fakeReader(COMPONENTS, [
      ["memory", { uid: 7, gid: 8 }],
      ["memory/a", { content: "a", uid: 9, gid: 10 }],
      ["memory/b", { type: "symlink", target: "a", uid: 11, gid: 12 }],
    ]);
    await restored(folder, reader, { owner: "recorded" });
    expect(statSync(folder.join("to", "memory"))).toMatchObject({ uid: 7, gid: 8 });
    expect(statSync(folder.join("to", "memory", "a"))).toMatchObject({ uid: 9, gid: 10 });
  });

  /** Restores as another account: its own file, and one of somebody else. */
  async function asOther(folder: TemporaryFolder, owner: "recorded" | "current", uid: number): Promise<{ stdout: string; stderr: string }> {
    const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const code = `import { fakeReader } from ${module("../../test/support/fake-reader.ts")}; import { restoreTo } from ${module("./restore-to.ts")};
      const reader = fakeReader({ memory: {} }, [["memory", ${JSON.stringify(MINE)}], ["memory/a", { content: "a", uid: ${uid}, gid: ${uid}, user: "somebody" }]]);
      try { await restoreTo({ reader, folder: ${JSON.stringify(folder.join("to"))}, owner: ${JSON.stringify(owner)} }); console.log("done") } catch (error) { console.log(error.code, error.message) }`;
    chmodSync(folder.path, 0o777);
    return await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
  }

  it("refuses before anything is written what this account may not give away", async () => {
    using folder = temporaryFolder();
    expect((await asOther(folder, "recorded", 12_345)).stdout).toBe(
      'OWNER_NOT_PERMITTED "memory/a" belongs to user somebody, and this account may not give files away\n',
    );
    expect(existsSync(folder.join("to"))).toBe(false);
  });

  it("restores what is this account's own anyway, and with --owner current everything", async () => {
    using folder = temporaryFolder();
    expect((await asOther(folder, "recorded", 65_534)).stdout).toBe("done\n");
    using other = temporaryFolder();
    expect((await asOther(other, "current", 12_345)).stdout).toBe("done\n");
    expect(statSync(other.join("to", "memory", "a")).uid).toBe(65_534);
  });

  it("refuses a group that this account is not in, before anything is written", async () => {
    using folder = temporaryFolder();
    const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const code = `import { fakeReader } from ${module("../../test/support/fake-reader.ts")}; import { restoreTo } from ${module("./restore-to.ts")};
      const reader = fakeReader({ memory: {} }, [["memory"], ["memory/a", { content: "a", gid: 4242 }]]);
      try { await restoreTo({ reader, folder: ${JSON.stringify(folder.join("to"))}, owner: "recorded" }); console.log("done") } catch (error) { console.log(error.code) }`;
    chmodSync(folder.path, 0o777);
    expect((await asUser(65_534, [process.execPath, "--input-type=module", "-e", code])).stdout).toBe("OWNER_NOT_PERMITTED\n");
    expect(existsSync(folder.join("to"))).toBe(false);
  });
});
