import { lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Entry } from "../vault/index.ts";
import { finishFolders, placeOf, writeFolder, writeHardLink, writeLink } from "./write-entry.ts";

const entry = (fields: Partial<Entry> = {}): Entry => ({
  component: "memory",
  path: "a",
  type: "file",
  mode: 0o640,
  uid: 0,
  gid: 0,
  mtime_ns: "1773585000123456789",
  size: 0,
  ...fields,
});

const OWNERS = { owners: true };
const CURRENT = { owners: false };

describe("writeLink() and writeHardLink()", () => {
  it("writes a symbolic link as it stands, with its own time and owner", () => {
    using folder = temporaryFolder();
    for (const [name, target] of [
      ["a", "../outside"],
      ["b", "/etc/passwd"],
      ["c", "nowhere"],
    ] as const) {
      writeLink(folder.join(name), entry({ type: "symlink", target, uid: 7, gid: 8 }), OWNERS);
      expect(readlinkSync(folder.join(name))).toBe(target);
      expect(lstatSync(folder.join(name))).toMatchObject({ uid: 7, gid: 8 });
      expect(lstatSync(folder.join(name)).mtime.toISOString()).toBe("2026-03-15T14:30:00.123Z");
    }
  });

  it("gives a file its other names", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "x");
    writeHardLink(folder.join("b"), folder.join("a"));
    expect(statSync(folder.join("a"))).toMatchObject({ nlink: 2, ino: statSync(folder.join("b")).ino });
  });

  it("copies the file where another file system is mounted", (context) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(64 * 1024, context);
    writeFileSync(folder.join("a"), "x");
    writeHardLink(`${disk.path}/b`, folder.join("a"));
    expect(readFileSync(`${disk.path}/b`, "utf8")).toBe("x");
  });
});

describe("finishFolders()", () => {
  it("sets modes and times when nothing is written into the folders any more, deepest first", () => {
    using folder = temporaryFolder();
    const folders = [];
    for (const [path, mode] of [
      ["top", 0o500],
      ["top/below", 0o3750],
      ["top/below/deep", 0o7777],
    ] as const) {
      folders.push(writeFolder(folder.join(path), entry({ path, type: "directory", mode })));
      writeFileSync(folder.join(path, "file"), "x");
    }
    expect(statSync(folder.join("top")).mode & 0o777).toBe(0o700);
    finishFolders(folders, CURRENT);
    const after = ["top", "top/below", "top/below/deep"].map((path) => statSync(folder.join(path)));
    expect(after.map(({ mode }) => (mode & 0o7777).toString(8))).toEqual(["500", "3750", "3777"]);
    expect(after.map(({ mtime }) => mtime.toISOString())).toEqual(Array.from({ length: 3 }, () => "2026-03-15T14:30:00.123Z"));
  });

  it("gives folders to their recorded owners", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("top"));
    finishFolders([[folder.join("top"), entry({ type: "directory", mode: 0o750, uid: 7, gid: 8 })]], OWNERS);
    expect(statSync(folder.join("top"))).toMatchObject({ uid: 7, gid: 8 });
    expect(statSync(folder.join("top")).mode & 0o7777).toBe(0o750);
  });
});

describe("placeOf()", () => {
  it("puts a tree's entries into its folder, and a single file where it is stored", () => {
    expect(placeOf("/to", "memory", true, ".")).toBe("/to/memory");
    expect(placeOf("/to", "memory", true, "notes/a.md")).toBe("/to/memory/notes/a.md");
    expect(placeOf("/to", "synthorg.db", false, "synthorg.db")).toBe("/to/synthorg.db");
    expect(placeOf("/to", "config/company.yaml", false, "company.yaml")).toBe("/to/config/company.yaml");
  });
});
