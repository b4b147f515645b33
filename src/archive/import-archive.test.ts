import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openAnyVault } from "../../test/support/any-vault.ts";
import { entryOf, forgeArchive, type Forgery } from "../../test/support/forge-archive.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { HoldfastError } from "../kernel/index.ts";
import { readAll, takeBackupOf } from "../testing/index.ts";
import { PagesHash, parseManifest, type Entry, type Vault } from "../vault/index.ts";
import { exportBackup, importArchive, openArchiveVault } from "./index.ts";

const TOP = entryOf(".", { type: "directory", mode: 0o755 });

function open(folder: TemporaryFolder, compression = true, name = "vault"): Promise<Vault> {
  return openArchiveVault({ path: folder.join(name), instance: { name: "contract" }, compression, create: true });
}

function file(path: string, content: string, rest: Partial<Entry> = {}): Entry {
  return entryOf(path, { size: content.length, sha256: createHash("sha256").update(content).digest("hex"), ...rest });
}

function overPages(content: string): string {
  const hash = new PagesHash();
  hash.update(Buffer.from(content));
  return hash.digest();
}

async function refusal(forgery: Forgery): Promise<HoldfastError> {
  using folder = temporaryFolder();
  await using vault = await open(folder);
  forgeArchive(folder.join("in.tar.gz"), forgery);
  const failure = await importArchive(vault, folder.join("in.tar.gz")).then(
    () => new Error("It was imported"),
    (error: unknown) => error,
  );
  if (!(failure instanceof HoldfastError)) throw failure;
  const listing = await vault.list();
  expect([listing.backups, listing.unfinished, listing.damaged]).toEqual([[], [], []]);
  expect(readdirSync(folder.path).toSorted()).toEqual(["in.tar.gz", "vault"]);
  return failure;
}

describe("importArchive()", () => {
  it("takes what exportBackup() wrote, from either form into either form, as a new link of the chain", async () => {
    for (const [from, to] of [
      [true, false],
      [false, true],
    ] as const) {
      using folder = temporaryFolder();
      await using source = await open(folder, from, "source");
      await using target = await open(folder, to, "target");
      await takeBackupOf(target, { other: "1" }, Date.parse("2026-01-01T00:00:00Z"));
      const head = await takeBackupOf(source, { "a/b": "beta", c: "x".repeat(2_500_000), empty: "" });
      const { bytes } = await exportBackup(source, head.id, folder.join("out.tar.gz"));
      expect(bytes).toBeGreaterThan(0);
      const imported = await importArchive(target, folder.join("out.tar.gz"));
      expect(imported.manifest).toMatchObject({
        id: head.id,
        sequence: 2,
        vault: target.identity.id,
        checksum: head.manifest.checksum,
        imported_from: { vault: source.identity.id, instance: "contract", sequence: 1, manifest_sha256: head.manifestSha256 },
      });
      expect(await readAll(target, head.id)).toEqual(await readAll(source, head.id));
      const listing = await target.list();
      expect([listing.chain, listing.missing, listing.backups.length]).toEqual([[], [], 2]);
      await expect(importArchive(target, folder.join("out.tar.gz"))).rejects.toMatchObject({ code: "FILE_EXISTS" });
      await expect(exportBackup(source, head.id, folder.join("out.tar.gz"))).rejects.toMatchObject({ code: "FILE_EXISTS" });
    }
  });

  it("takes a forged archive in which nothing is wrong, so that the refusals below mean something", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const entries = [TOP, file("a", "alpha"), entryOf("b", { hard_link: "a" }), entryOf("l", { type: "symlink", target: "/etc/passwd" })];
    forgeArchive(folder.join("in.tar.gz"), { entries, contents: { a: "alpha" } });
    const head = await importArchive(vault, folder.join("in.tar.gz"));
    expect(await readAll(vault, head.id)).toEqual({ "memory/.": null, "memory/a": "alpha", "memory/b": null, "memory/l": null });
  });

  it("takes one with both hashes of a database, and refuses it where that could not be stored by its pages", async () => {
    using folder = temporaryFolder();
    const entries = [TOP, file("a", "alpha", { database: true, pages_sha256: overPages("alpha") })];
    const { checksum } = forgeArchive(folder.join("in.tar.gz"), { entries, contents: { a: "alpha" } });
    await using vault = await open(folder);
    const head = await importArchive(vault, folder.join("in.tar.gz"));
    expect(head.manifest).toMatchObject({ checksum, features: { read: ["pages_sha256"] } });
    expect(await readAll(vault, head.id)).toMatchObject({ "memory/a": "alpha" });
    await using repository = await openAnyVault(folder.join("repository"), "repository");
    await expect(importArchive(repository, folder.join("in.tar.gz"))).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
    expect((await repository.list()).backups).toEqual([]);
  });

  const evil = file("x", "evil");
  const contents = { x: "evil" };
  const hostile: readonly (readonly [string, Forgery])[] = [
    ["an absolute path", { entries: [TOP, { ...evil, path: "/etc/cron.d/x" }] }],
    ["a path that climbs", { entries: [TOP, { ...evil, path: "../../x" }] }],
    ["a path that climbs in the middle", { entries: [TOP, { ...evil, path: "a/../../x" }] }],
    ["an empty name in a path", { entries: [TOP, { ...evil, path: "a//x" }] }],
    ["a NUL in a path", { entries: [TOP, { ...evil, path: "x\0.txt" }] }],
    ["a path of 5,000 bytes", { entries: [TOP, { ...evil, path: `${"d/".repeat(2500)}x` }] }],
    ["the same place twice", { entries: [TOP, evil, evil], contents }],
    ["a file below a link", { entries: [TOP, entryOf("l", { type: "symlink", target: "/etc" }), { ...evil, path: "l/x" }] }],
    ["a file below a file", { entries: [TOP, evil, { ...evil, path: "x/y" }], contents }],
    ["a hard link to nothing", { entries: [TOP, entryOf("h", { hard_link: "x" })] }],
    [
      "a hard link to a link",
      { entries: [TOP, entryOf("l", { type: "symlink", target: "/etc/shadow" }), entryOf("h", { hard_link: "l" })] },
    ],
    ["a hard link out of the backup", { entries: [TOP, entryOf("h", { hard_link: "../../etc/shadow" })] }],
    ["names that differ in case", { entries: [TOP, evil, { ...evil, path: "X" }], contents: { x: "evil", X: "evil" } }],
    [
      "names that differ in Unicode form",
      { entries: [TOP, { ...evil, path: "\u00e9" }, { ...evil, path: "e\u0301" }], contents: { "\u00e9": "evil", "e\u0301": "evil" } },
    ],
    ["a set-user-id file", { entries: [TOP, { ...evil, mode: 0o4755 }], contents }],
    [
      "an entry of another name than declared",
      {
        entries: [TOP, evil],
        contents,
        tar: (tar) => tar.map((one) => ({ ...one, header: { ...one.header, path: one.header.path.replace("memory/x", "memory/y") } })),
      },
    ],
    [
      "a link where a file is declared",
      {
        entries: [TOP, evil],
        contents,
        tar: (tar) =>
          tar.map((one, index) =>
            index === 1 ? { content: "", header: { ...one.header, type: "SymbolicLink", target: "/etc/passwd", size: 0 } } : one,
          ),
      },
    ],
    [
      "a link to another target than declared",
      {
        entries: [TOP, entryOf("l", { type: "symlink", target: "a" })],
        tar: (tar) => tar.map((one, index) => (index === 1 ? { content: "", header: { ...one.header, target: "/etc" } } : one)),
      },
    ],
    [
      "a tar path that is absolute",
      {
        entries: [TOP, evil],
        contents,
        tar: (tar) => tar.map((one) => ({ ...one, header: { ...one.header, path: `/${one.header.path}` } })),
      },
    ],
    [
      "a tar path that climbs",
      {
        entries: [TOP, evil],
        contents,
        tar: (tar) => tar.map((one) => ({ ...one, header: { ...one.header, path: `../${one.header.path}` } })),
      },
    ],
    ["a device", { entries: [TOP, evil], contents, patch: (block, path) => (path === "memory/x" ? retype(block, "3") : block) }],
    ["a pipe", { entries: [TOP, evil], contents, patch: (block, path) => (path === "memory/x" ? retype(block, "6") : block) }],
    ["a GNU long name", { entries: [TOP, evil], contents, patch: (block, path) => (path === "memory/x" ? retype(block, "L") : block) }],
    ["a global pax header", { entries: [TOP, evil], contents, patch: (block, path) => (path === "memory/x" ? retype(block, "g") : block) }],
    [
      "an entry that is not declared",
      {
        entries: [TOP, evil],
        contents,
        tar: (tar) => [...tar, { content: "more", header: { ...tar[1]!.header, path: "memory/more", size: 4 } }],
      },
    ],
  ];
  it.each(hostile)("refuses %s as hostile, and leaves nothing", async (_, forgery) => {
    expect((await refusal(forgery)).code).toBe("ARCHIVE_HOSTILE");
  });

  const damaged: readonly (readonly [string, Forgery])[] = [
    ["another content than recorded", { entries: [TOP, evil], contents: { x: "good" } }],
    ["a file that is missing", { entries: [TOP, evil], contents, tar: (tar) => tar.slice(0, 1) }],
    [
      "another size than recorded",
      {
        entries: [TOP, evil],
        contents,
        tar: (tar) => tar.map((one, index) => (index === 1 ? { content: "evil!", header: { ...one.header, size: 5 } } : one)),
      },
    ],
    [
      "other permissions than recorded",
      {
        entries: [TOP, evil],
        contents,
        tar: (tar) => tar.map((one, index) => (index === 1 ? { ...one, header: { ...one.header, mode: 0o777 } } : one)),
      },
    ],
    [
      "another hash over pages than its content has",
      { entries: [TOP, { ...evil, database: true, pages_sha256: "0".repeat(64) }], contents },
    ],
    ["a hash over pages of what is no database", { entries: [TOP, { ...evil, pages_sha256: overPages("evil") }], contents }],
    ["another checksum", { entries: [TOP, evil], contents, manifest: { checksum: `sha256:${"1".repeat(64)}` } }],
    ["more bytes than declared", { entries: [TOP, evil], contents, manifest: { size_bytes: 3 } }],
    ["a line that is no JSON", { entries: [TOP, evil], contents, lines: ["{", "\n"] }],
    ["a list of entries that is cut off", { entries: [TOP, evil], contents, lines: ['{"component":"memory"'] }],
    ["something behind its end", { entries: [TOP, evil], contents, tail: Buffer.from("more") }],
    ["zeros behind its end", { entries: [TOP, evil], contents, tail: Buffer.alloc(512) }],
  ];
  it.each(damaged)("refuses %s as damaged, and leaves nothing", async (_, forgery) => {
    expect((await refusal(forgery)).code).toBe("BACKUP_DAMAGED");
  });

  it("refuses a bomb: a part that says it is small and is not", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    forgeArchive(folder.join("in.tar.gz"), { entries: [TOP, file("z", "\0".repeat(900_000))], contents: { z: "\0".repeat(900_000) } });
    const bytes = readFileSync(folder.join("in.tar.gz"));
    bytes.writeUInt32LE(1024, bytes.length - 4);
    writeFileSync(folder.join("in.tar.gz"), bytes);
    await expect(importArchive(vault, folder.join("in.tar.gz"))).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
  });

  it("says what is missing, what is no archive, and what is newer", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    for (const text of ["no archive at all, and long enough to hold a header", "short", ""]) {
      writeFileSync(folder.join("text"), text);
      await expect(importArchive(vault, folder.join("text"))).rejects.toMatchObject({
        code: "BACKUP_DAMAGED",
        message: `"${folder.join("text")}" is no export of Holdfast: it does not begin as one`,
      });
    }
    await expect(importArchive(vault, folder.join("nothing"))).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
    forgeArchive(folder.join("newer"), { entries: [TOP], manifest: { version: "2" } });
    await expect(importArchive(vault, folder.join("newer"))).rejects.toMatchObject({ code: "VERSION_UNSUPPORTED" });
    expect(() => parseManifest(Buffer.from("{}"))).toThrow("version");
  });

  it("ends with a named error for any damage to any byte, cut or insertion, or gives exactly what was stored", async () => {
    using folder = temporaryFolder();
    await using vault = await openArchiveVault({
      path: folder.join("vault"),
      instance: { name: "contract" },
      compression: true,
      create: true,
    });
    const entries = [
      TOP,
      entryOf("d", { type: "directory", mode: 0o755 }),
      file("d/a", "alpha ".repeat(50)),
      file("d/long-".concat("n".repeat(120)), "beta", { mtime_ns: "1700000000123456789" }),
      entryOf("l", { type: "symlink", target: "d/a" }),
    ];
    const names = Object.fromEntries(
      entries.map(({ path }) => [path, path === "d/a" ? "alpha ".repeat(50) : path.startsWith("d/long") ? "beta" : ""]),
    );
    const { checksum } = forgeArchive(folder.join("good"), { entries, contents: names });
    const expected = Object.fromEntries(entries.map(({ path, type }) => [`memory/${path}`, type === "file" ? names[path] : null]));
    const good = readFileSync(folder.join("good"));
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant("flip" as const), at: fc.nat(good.length - 1), bit: fc.nat(7) }),
      fc.record({ kind: fc.constant("cut" as const), at: fc.nat(good.length - 1) }),
      fc.record({ kind: fc.constant("insert" as const), at: fc.nat(good.length), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
      fc.record({ kind: fc.constant("repeat" as const), at: fc.nat(good.length - 1), length: fc.integer({ min: 1, max: 600 }) }),
    );
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const bytes = Buffer.from(good);
        let result: Buffer = bytes;
        if (change.kind === "flip") bytes[change.at]! ^= 1 << change.bit;
        else if (change.kind === "cut") result = bytes.subarray(0, change.at);
        else if (change.kind === "insert") result = Buffer.concat([bytes.subarray(0, change.at), change.bytes, bytes.subarray(change.at)]);
        else result = Buffer.concat([bytes.subarray(0, change.at + change.length), bytes.subarray(change.at)]);
        if (result.equals(good)) return;
        writeFileSync(folder.join("bad"), result);
        const outcome = await importArchive(vault, folder.join("bad")).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(outcome).toMatchObject({ row: { kind: "damage" } });
          return;
        }
        // The last bits of a compressed part mean nothing.
        expect(change.kind).toBe("flip");
        const [head] = (await vault.list()).backups;
        expect(await readAll(vault, head!.id)).toEqual(expected);
        expect(head?.manifest.checksum).toBe(checksum);
        await vault.remove([head!.id], "again", 0);
        await vault.sweepTrash();
      }),
      { numRuns: 300 },
    );
    const listing = await vault.list();
    expect([listing.backups, listing.unfinished]).toEqual([[], []]);
  }, 120_000);
});

/** Another type flag, with the checksum that belongs to it. */
function retype(block: Buffer, flag: string): Buffer {
  const changed = Buffer.from(block);
  changed.write(flag, 156, "latin1");
  changed.fill(" ", 148, 156);
  const sum = changed.reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return changed;
}
