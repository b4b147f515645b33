import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Entry } from "../vault/index.ts";
import { finishFolders, placeOf, writeEntry } from "./write-entry.ts";

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

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

const OWNERS = { owners: true };
const CURRENT = { owners: false };

async function writeFile(folder: TemporaryFolder, fields: Partial<Entry>, ...parts: (string | Uint8Array)[]): Promise<string> {
  const path = folder.join("a");
  const size = parts.reduce((sum, part) => sum + Buffer.from(part).length, 0);
  await writeEntry(path, undefined, { entry: entry({ size, ...fields }), content: chunks(...parts) }, CURRENT);
  return path;
}

describe("writeEntry() of a file", () => {
  it("writes content, mode and time, and makes the folders on the way private", async () => {
    using folder = temporaryFolder();
    const path = folder.join("x", "y", "a");
    expect(await writeEntry(path, undefined, { entry: entry({ size: 7 }), content: chunks("one", "", "two!") }, CURRENT)).toBeUndefined();
    expect(readFileSync(path, "utf8")).toBe("onetwo!");
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    expect(Number(statSync(path, { bigint: true }).mtimeNs - 1_773_585_000_123_456_789n) / 1000).toBeCloseTo(0, -1);
    expect(statSync(folder.join("x", "y")).mode & 0o777).toBe(0o700);
  });

  it.each([
    [0o4755, 0o755],
    [0o2755, 0o755],
    [0o6777, 0o777],
    [0o1644, 0o644],
    [0o000, 0o000],
    [0o400, 0o400],
  ])("mode %o becomes %o: the rights of another account are not handed out", async (recorded, written) => {
    using folder = temporaryFolder();
    expect(statSync(await writeFile(folder, { mode: recorded }, "x")).mode & 0o7777).toBe(written);
  });

  it("nobody else can read it while it is written", async () => {
    using folder = temporaryFolder();
    const modes: number[] = [];
    async function* watched(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      modes.push(statSync(folder.join("a")).mode & 0o777);
      yield Buffer.from("b");
    }
    await writeEntry(folder.join("a"), undefined, { entry: entry({ mode: 0o666, size: 2 }), content: watched() }, CURRENT);
    expect(modes).toEqual([0o600]);
    expect(statSync(folder.join("a")).mode & 0o777).toBe(0o666);
  });

  it("gives it to its recorded owner when that is asked for, and to nobody else", async () => {
    using folder = temporaryFolder();
    await writeEntry(folder.join("a"), undefined, { entry: entry({ uid: 12_345, gid: 23_456, size: 1 }), content: chunks("x") }, OWNERS);
    expect(statSync(folder.join("a"))).toMatchObject({ uid: 12_345, gid: 23_456 });
    await writeEntry(folder.join("b"), undefined, { entry: entry({ uid: 12_345, gid: 23_456, size: 1 }), content: chunks("x") }, CURRENT);
    expect(statSync(folder.join("b"))).toMatchObject({ uid: process.getuid?.(), gid: process.getgid?.() });
  });

  it.each([
    ["half a microsecond", "0", 500n],
    ["half a microsecond", "999", 500n],
    ["half a microsecond", "1773585000123456789", 500n],
    ["half a microsecond", "4102444800000000000", 500n],
    ["a millisecond", "-1", 1_000_000n],
    ["a millisecond", "-86400000000001", 1_000_000n],
  ])("keeps to %s the time %s ns, also one before 1970", async (_unit, mtime_ns, unit) => {
    using folder = temporaryFolder();
    const path = await writeFile(folder, { mtime_ns }, "x");
    const difference = statSync(path, { bigint: true }).mtimeNs - BigInt(mtime_ns);
    expect(difference < 0n ? -difference : difference).toBeLessThan(unit);
  });

  it("never writes over what is there, nor through a link", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("outside"), "precious");
    await writeEntry(folder.join("a"), undefined, { entry: entry({ type: "symlink", target: "outside" }) }, CURRENT);
    await expect(writeFile(folder, {}, "x")).rejects.toMatchObject({ code: "EEXIST" });
    expect(readFileSync(folder.join("outside"), "utf8")).toBe("precious");
  });

  it("fails with what its content fails with, and leaves what it had under no other name", async () => {
    using folder = temporaryFolder();
    async function* damaged(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("good");
      throw new Error("it does not read back");
    }
    await expect(writeEntry(folder.join("a"), undefined, { entry: entry({ size: 9 }), content: damaged() }, CURRENT)).rejects.toThrow(
      "does not read back",
    );
    expect(readdirSync(folder.path)).toEqual(["a"]);
  });

  it("never makes an empty file of one whose content is not given", async () => {
    using folder = temporaryFolder();
    await expect(writeEntry(folder.join("a"), undefined, { entry: entry({ size: 9, hard_link: "first" }) }, CURRENT)).rejects.toMatchObject(
      { code: "BACKUP_DAMAGED" },
    );
    await writeEntry(folder.join("empty"), undefined, { entry: entry({ size: 0 }) }, CURRENT);
    expect(readFileSync(folder.join("empty"), "utf8")).toBe("");
  });
});

describe("writeEntry() of a sparse file", () => {
  it("makes the holes again, also one at the end, and reads back the same", async () => {
    using folder = temporaryFolder();
    const zeros = Buffer.alloc(1024 * 1024);
    const path = await writeFile(folder, { sparse: true }, "begin", zeros, zeros, "middle", zeros);
    expect(readFileSync(path).equals(Buffer.concat([Buffer.from("begin"), zeros, zeros, Buffer.from("middle"), zeros]))).toBe(true);
    expect(statSync(path).blocks * 512).toBeLessThan(200_000);
  });

  it("reads back the same whatever its pieces are", async () => {
    const part = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      fc.nat(200_000).map((size) => new Uint8Array(size)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
        using folder = temporaryFolder();
        const path = await writeFile(folder, { sparse: true }, ...parts);
        expect(readFileSync(path).equals(Buffer.concat(parts))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("a file without holes gets none, although it is zeros", async () => {
    using folder = temporaryFolder();
    const path = await writeFile(folder, {}, Buffer.alloc(1024 * 1024));
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(1024 * 1024);
  });
});

describe("writeEntry() of links", () => {
  it("writes a symbolic link as it stands, with its own time and owner", async () => {
    using folder = temporaryFolder();
    for (const [name, target] of [
      ["a", "../outside"],
      ["b", "/etc/passwd"],
      ["c", "nowhere"],
    ] as const) {
      await writeEntry(folder.join(name), undefined, { entry: entry({ type: "symlink", target, uid: 7, gid: 8 }) }, OWNERS);
      expect(readlinkSync(folder.join(name))).toBe(target);
      expect(lstatSync(folder.join(name))).toMatchObject({ uid: 7, gid: 8 });
      expect(lstatSync(folder.join(name)).mtime.toISOString()).toBe("2026-03-15T14:30:00.123Z");
    }
  });

  it("gives a file its other names", async () => {
    using folder = temporaryFolder();
    await writeFile(folder, {}, "x");
    await writeEntry(folder.join("deep", "b"), folder.join("a"), { entry: entry({ path: "deep/b", hard_link: "a" }) }, CURRENT);
    expect(statSync(folder.join("a"))).toMatchObject({ nlink: 2, ino: statSync(folder.join("deep", "b")).ino });
  });
});

describe("finishFolders()", () => {
  it("sets modes and times when nothing is written into the folders any more, deepest first", async () => {
    using folder = temporaryFolder();
    const folders = [];
    for (const [path, mode] of [
      ["top", 0o500],
      ["top/below", 0o3750],
      ["top/below/deep", 0o7777],
    ] as const) {
      const pending = await writeEntry(folder.join(path), undefined, { entry: entry({ path, type: "directory", mode }) }, CURRENT);
      expect(pending).toBeDefined();
      if (pending !== undefined) folders.push(pending);
      writeFileSync(folder.join(path, "file"), "x");
    }
    expect(statSync(folder.join("top")).mode & 0o777).toBe(0o700);
    finishFolders(folders, CURRENT);
    const after = ["top", "top/below", "top/below/deep"].map((path) => statSync(folder.join(path)));
    expect(after.map(({ mode }) => (mode & 0o7777).toString(8))).toEqual(["500", "3750", "3777"]);
    expect(after.map(({ mtime }) => mtime.toISOString())).toEqual(Array.from({ length: 3 }, () => "2026-03-15T14:30:00.123Z"));
  });

  it("gives folders to their recorded owners", async () => {
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
