import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mountTmpfs } from "../../../test/support/mount-tmpfs.ts";
import { runProgram } from "../../../test/support/run-program.ts";
import { compressible, EPOCH_KEY, KEYS, writePack } from "../../../test/support/sample-pack.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { InternalError } from "../../kernel/index.ts";
import { packPath } from "./pack-place.ts";
import { openPack } from "./pack-reader.ts";
import { PackWriter } from "./pack-writer.ts";
import { PACK_LIMIT } from "./trailer.ts";

const MODULE = new URL("./pack-writer.ts", import.meta.url).href;

/** Every file below the folder of packs. */
function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
}

describe("PackWriter", () => {
  it("publishes a private file named after its SHA-256, whose id is the first 8 bytes of its salt", () => {
    using folder = temporaryFolder();
    using writer = new PackWriter({ folder: folder.path, epochKey: EPOCH_KEY, name: "one" });
    expect([
      writer.append(compressible(500), "data"),
      writer.append(compressible(70), "meta"),
      writer.append(randomBytes(9), "data"),
    ]).toEqual([0, 1, 2]);
    expect(writer.rawBytes).toBe(579);
    expect(statSync(folder.join("packs", ".new", "one")).size).toBe(writer.storedBytes);
    const pack = writer.close();
    const bytes = readFileSync(packPath(folder.path, pack.name));
    expect(filesOf(folder.path)).toEqual([folder.join("packs", pack.name.slice(0, 2), pack.name)]);
    expect(pack).toEqual({
      id: bytes.toString("hex", 16, 24),
      name: createHash("sha256").update(bytes).digest("hex"),
      length: bytes.length,
      rawData: 509,
    });
    expect(pack.id).toBe(writer.id);
    expect(bytes.toString("latin1", 0, 8)).toBe("HOLDFPK1");
    expect(bytes.readUInt32LE(8)).toBe(2);
    expect(bytes.toString("latin1", bytes.length - 4)).toBe("HFPE");
    expect(statSync(packPath(folder.path, pack.name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder.join("packs", pack.name.slice(0, 2))).mode & 0o777).toBe(0o700);
  });

  it("writes 16 MiB that read back frame by frame and in one go", () => {
    using folder = temporaryFolder();
    const frames = Array.from({ length: 16 }, (_, index) =>
      index % 2 === 0 ? randomBytes(1024 * 1024) : Buffer.concat([randomBytes(512 * 1024), Buffer.alloc(512 * 1024, index)]),
    );
    const pack = writePack(
      folder.path,
      frames.map((raw) => ({ raw })),
    );
    expect(pack.rawData).toBe(16 * 1024 * 1024);
    using reader = openPack(folder.path, pack, KEYS);
    expect(frames.every((raw, ordinal) => reader.readFrame(ordinal).equals(raw))).toBe(true);
    expect([...reader.sealedFrames()].length).toBe(16);
  });

  it("gives two packs of the same bytes different ids, keys and names", () => {
    using folder = temporaryFolder();
    const [one, other] = [writePack(folder.path, [{ raw: compressible(50) }]), writePack(folder.path, [{ raw: compressible(50) }])];
    expect(one.id).not.toBe(other.id);
    expect(one.name).not.toBe(other.name);
  });

  it("abort() removes what was written, and does nothing after close() or a second time", () => {
    using folder = temporaryFolder();
    const writer = new PackWriter({ folder: folder.path, epochKey: EPOCH_KEY, name: "one" });
    writer.append(compressible(500), "data");
    writer.abort();
    writer.abort();
    expect(filesOf(folder.path)).toEqual([]);
    expect(() => writer.append(compressible(500), "data")).toThrow(InternalError);
    expect(() => writer.close()).toThrow(InternalError);
    const closed = new PackWriter({ folder: folder.path, epochKey: EPOCH_KEY, name: "one" });
    closed.append(compressible(500), "data");
    closed.close();
    closed.abort();
    expect(filesOf(folder.path)).toHaveLength(1);
    expect(() => closed.append(compressible(500), "data")).toThrow(InternalError);
    expect(() => closed.close()).toThrow(InternalError);
  });

  it("does not publish a pack of nothing, nor write over a file that has its temporary name", () => {
    using folder = temporaryFolder();
    {
      using writer = new PackWriter({ folder: folder.path, epochKey: EPOCH_KEY, name: "one" });
      expect(() => writer.close()).toThrow(InternalError);
    }
    expect(filesOf(folder.path)).toEqual([]);
    writeFileSync(folder.join("packs", ".new", "one"), "somebody else's");
    expect(() => new PackWriter({ folder: folder.path, epochKey: EPOCH_KEY, name: "one" })).toThrow(
      expect.objectContaining({ code: "FILE_SYSTEM", message: expect.stringContaining("EEXIST") as string }),
    );
    expect(readFileSync(folder.join("packs", ".new", "one"), "utf8")).toBe("somebody else's");
  });

  it("refuses a frame that would make the pack longer than 64 MiB, and still closes it within", () => {
    using folder = temporaryFolder();
    using writer = new PackWriter({ folder: folder.path, epochKey: EPOCH_KEY, name: "one" });
    const raw = randomBytes(4 * 1024 * 1024);
    for (let count = 0; count < 15; count++) writer.append(raw, "data");
    expect(() => writer.append(raw, "data")).toThrow(expect.objectContaining({ message: expect.stringContaining("it is full") as string }));
    writer.append(raw.subarray(0, 4 * 1024 * 1024 - 4096), "data");
    expect(writer.close().length).toBeLessThanOrEqual(PACK_LIMIT);
  });

  it("keeps a directory of many tiny frames within the pack", () => {
    using folder = temporaryFolder();
    const pack = writePack(
      folder.path,
      Array.from({ length: 2000 }, (_, index) => ({ raw: Buffer.of(index & 0xff) })),
    );
    using reader = openPack(folder.path, pack, KEYS);
    expect([reader.frames.length, reader.readFrame(1999)]).toEqual([2000, Buffer.of(1999 & 0xff)]);
  });

  it("says that the disk is full, takes nothing more, and abort() leaves nothing", (context) => {
    using disk = mountTmpfs(256 * 1024, context);
    const writer = new PackWriter({ folder: disk.path, epochKey: EPOCH_KEY, name: "one" });
    writer.append(randomBytes(100_000), "data");
    expect(() => writer.append(randomBytes(200_000), "data")).toThrow(expect.objectContaining({ code: "NO_SPACE" }));
    expect(() => writer.append(Buffer.of(1), "data")).toThrow(InternalError);
    expect(() => writer.close()).toThrow(InternalError);
    writer.abort();
    expect(filesOf(disk.path)).toEqual([]);
  });

  it.each([
    ["pack-before-publish", ".new"],
    ["pack-published", "named"],
  ])("killed at %s leaves one file, %s, and a published one is whole", async (point, where) => {
    using folder = temporaryFolder();
    const code = `import { PackWriter } from ${JSON.stringify(MODULE)};
      const writer = new PackWriter({ folder: ${JSON.stringify(folder.path)}, epochKey: { epoch: 2, master: Buffer.alloc(32, 7) }, name: "one" });
      writer.append(Buffer.from("content"), "data"); writer.close();`;
    const { signal } = await runProgram([process.execPath, "--input-type=module", "-e", code], { env: { HOLDFAST_CRASHPOINT: point } });
    expect(signal).toBe("SIGKILL");
    const [file = "", ...more] = filesOf(folder.path);
    expect(more).toEqual([]);
    if (where === ".new") expect(file).toBe(folder.join("packs", ".new", "one"));
    else expect(createHash("sha256").update(readFileSync(file)).digest("hex")).toBe(file.slice(-64));
  });
});
