import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Entry, OpenedEntry } from "../vault/index.ts";
import { FileWriter } from "./file-writer.ts";

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

async function write(path: string, opened: OpenedEntry, owners = false): Promise<void> {
  await using writer = new FileWriter(owners);
  await writer.write(path, opened);
  await writer.finish();
}

async function writeFile(folder: TemporaryFolder, fields: Partial<Entry>, ...parts: (string | Uint8Array)[]): Promise<string> {
  const path = folder.join("a");
  const size = parts.reduce((sum, part) => sum + Buffer.from(part).length, 0);
  await write(path, { entry: entry({ size, ...fields }), content: chunks(...parts) });
  return path;
}

describe("FileWriter.write()", () => {
  it("writes content, mode and time", async () => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    await write(path, { entry: entry({ size: 7 }), content: chunks("one", "", "two!") });
    expect(readFileSync(path, "utf8")).toBe("onetwo!");
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    expect(Number(statSync(path, { bigint: true }).mtimeNs - 1_773_585_000_123_456_789n) / 1000).toBeCloseTo(0, -1);
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
      yield Buffer.alloc(1024 * 1024, "a");
      modes.push(statSync(folder.join("a")).mode & 0o777);
      yield Buffer.from("b");
    }
    await write(folder.join("a"), { entry: entry({ mode: 0o666, size: 1024 * 1024 + 1 }), content: watched() });
    expect(modes).toEqual([0o600]);
    expect(statSync(folder.join("a")).mode & 0o777).toBe(0o666);
  });

  it("gives it to its recorded owner when that is asked for, and to nobody else", async () => {
    using folder = temporaryFolder();
    await write(folder.join("a"), { entry: entry({ uid: 12_345, gid: 23_456, size: 1 }), content: chunks("x") }, true);
    expect(statSync(folder.join("a"))).toMatchObject({ uid: 12_345, gid: 23_456 });
    await write(folder.join("b"), { entry: entry({ uid: 12_345, gid: 23_456, size: 1 }), content: chunks("x") });
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
    symlinkSync("outside", folder.join("a"));
    await expect(writeFile(folder, {}, "x")).rejects.toMatchObject({ code: "FILE_SYSTEM", message: expect.stringContaining("EEXIST") });
    const large = Buffer.alloc(1024 * 1024 + 1);
    await expect(writeFile(folder, {}, large)).rejects.toThrow("EEXIST");
    expect(readFileSync(folder.join("outside"), "utf8")).toBe("precious");
  });

  it("fails with what its content fails with, and leaves what it had under no other name", async () => {
    using folder = temporaryFolder();
    const large = Buffer.alloc(1024 * 1024 + 1);
    async function* damaged(first: string | Buffer): AsyncGenerator<Uint8Array> {
      yield Buffer.from(first);
      throw new Error("it does not read back");
    }
    await expect(write(folder.join("small"), { entry: entry({ size: 9 }), content: damaged("good") })).rejects.toThrow(
      "does not read back",
    );
    expect(readdirSync(folder.path)).toEqual([]);
    await expect(write(folder.join("a"), { entry: entry({ size: large.length + 1 }), content: damaged(large) })).rejects.toThrow(
      "does not read back",
    );
    expect(readdirSync(folder.path)).toEqual(["a"]);
  });

  it("never makes an empty file of one whose content is not given", async () => {
    using folder = temporaryFolder();
    await expect(write(folder.join("a"), { entry: entry({ size: 9, hard_link: "first" }) })).rejects.toMatchObject({
      code: "BACKUP_DAMAGED",
    });
    await write(folder.join("empty"), { entry: entry({ size: 0 }) });
    expect(readFileSync(folder.join("empty"), "utf8")).toBe("");
  });
});

describe("FileWriter.write() of a sparse file", () => {
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

describe("FileWriter of many files", () => {
  it("writes files of all sizes, each with its own bytes, and names the first that fails", async () => {
    using folder = temporaryFolder();
    const sizes = Array.from({ length: 700 }, (_, n) => (n % 97 === 0 ? 1024 * 1024 + n : n % 13 === 0 ? 300_000 + n : n));
    const bytes = (n: number): Buffer => Buffer.alloc(sizes[n] ?? 0, `${n} `);
    await using writer = new FileWriter(false);
    for (const [n, size] of sizes.entries()) await writer.write(folder.join(`${n}`), { entry: entry({ size }), content: chunks(bytes(n)) });
    await writer.finish();
    for (const n of sizes.keys()) expect(readFileSync(folder.join(`${n}`)).equals(bytes(n))).toBe(true);
    const again = async (): Promise<void> => {
      await using second = new FileWriter(false);
      await second.write(folder.join("0"), { entry: entry({ size: 1 }), content: chunks("x") });
      await second.finish();
    };
    await expect(again()).rejects.toMatchObject({ code: "FILE_SYSTEM" });
  });
});
