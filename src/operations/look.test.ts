import { describe, expect, it } from "vitest";
import { backupHead } from "../../test/support/backup-head.ts";
import { fakeReader } from "../../test/support/fake-reader.ts";
import { fakeInstance, fakeVault } from "../../test/support/fake-vault.ts";
import type { Instance } from "./instance.ts";
import { cat, find, ls } from "./look.ts";

const READER = fakeReader({ persistence: { source: "sqlite", storedAs: "state.db" }, memory: {} }, [
  ["persistence/state.db", { content: "bytes of a database", database: true }],
  ["memory"],
  ["memory/notes"],
  ["memory/notes/a.md", { content: "# A", piece: 1 }],
  ["memory/notes/deep"],
  ["memory/notes/deep/b.md", { content: "# B" }],
  ["memory/same.md", { hard_link: "notes/a.md", size: 3 }],
  ["memory/link.md", { type: "symlink", target: "notes/a.md" }],
  ["memory/notes-2", { content: "not in notes" }],
  ["memory/broken", { content: "half", damaged: true }],
]);

function instance(): Instance {
  const older = backupHead({ minute: 1, components: { memory: {} } });
  const newer = { ...READER.head, id: backupHead({ minute: 2 }).id };
  const vault = fakeVault(
    { backups: [newer, older] },
    { [newer.id]: READER, [older.id]: fakeReader({ memory: {} }, [["memory"], ["memory/notes/a.md", { content: "older" }]]) },
  );
  return fakeInstance(vault, { stateDir: "/nowhere" });
}

async function listed(path: string, recursive = false): Promise<string[]> {
  return (await ls(instance(), "latest", path, recursive)).entries.map((entry) => entry.path);
}

async function text(path: string): Promise<string> {
  const parts: Uint8Array[] = [];
  await cat(instance(), "latest", path, async (chunk) => void parts.push(chunk));
  return Buffer.concat(parts).toString();
}

describe("ls()", () => {
  it.each([
    ["", ["persistence/state.db", "memory"]],
    ["/", ["persistence/state.db", "memory"]],
    [".", ["persistence/state.db", "memory"]],
    ["memory", ["memory/notes", "memory/same.md", "memory/link.md", "memory/notes-2", "memory/broken"]],
    ["memory/notes/", ["memory/notes/a.md", "memory/notes/deep"]],
    ["./memory//notes", ["memory/notes/a.md", "memory/notes/deep"]],
    ["memory/notes/a.md", ["memory/notes/a.md"]],
    ["persistence", ["persistence/state.db"]],
    ["persistence/state.db", ["persistence/state.db"]],
  ])("shows one level at %j", async (path, expected) => {
    expect(await listed(path)).toEqual(expected);
  });

  it("shows everything below when it is asked to", async () => {
    expect(await listed("memory/notes", true)).toEqual(["memory/notes/a.md", "memory/notes/deep", "memory/notes/deep/b.md"]);
    expect(await listed("", true)).toHaveLength(10);
  });

  it.each(["memory/gone", "memory/note", "memory/notes/a.md/x", "persistence/state", "..", "memory/.."])(
    "fails at %j, where nothing is",
    async (path) => {
      await expect(listed(path)).rejects.toMatchObject({ code: "PATH_NOT_FOUND", hint: expect.stringContaining("holdfast ls ") });
    },
  );
});

describe("cat()", () => {
  it.each([
    ["memory/notes/a.md", "# A"],
    ["/memory//notes/./a.md", "# A"],
    ["memory/same.md", "# A"],
    ["persistence", "bytes of a database"],
    ["persistence/state.db", "bytes of a database"],
  ])("gives the bytes of %j", async (path, content) => {
    expect(await text(path)).toBe(content);
  });

  it.each([
    ["memory", "is a folder"],
    ["memory/notes", "is a folder"],
    ["memory/link.md", 'is a link to "notes/a.md"'],
    ["memory/gone", "holds nothing at"],
    ["", "holds nothing at"],
  ])("refuses %j", async (path, why) => {
    await expect(text(path)).rejects.toMatchObject({ code: "PATH_NOT_FOUND", message: expect.stringContaining(why) });
  });

  it("fails when the content does not read back", async () => {
    await expect(text("memory/broken")).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
  });
});

describe("find()", () => {
  it.each([
    ["*.md", ["2 memory/notes/a.md", "2 memory/notes/deep/b.md", "2 memory/same.md", "2 memory/link.md", "1 memory/notes/a.md"]],
    ["/memory/notes/*.md", ["2 memory/notes/a.md", "1 memory/notes/a.md"]],
    ["notes/", ["2 memory/notes/a.md", "2 memory/notes/deep/b.md", "1 memory/notes/a.md"]],
    ["state.db", ["2 persistence/state.db"]],
    ["NOTES", []],
    ["gone", []],
  ])("finds %j in every backup, newest first", async (glob, expected) => {
    const found = await find(instance(), glob);
    expect(found.map(({ backup, path }) => `${Number(backup.slice(14, 16))} ${path}`)).toEqual(expected);
  });
});
