import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { entryOf, forgeArchive, type Forgery } from "../support/forge-archive.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const TOP = entryOf(".", { type: "directory", mode: 0o755 });
const EVIL = entryOf("x", { size: 4, sha256: createHash("sha256").update("evil").digest("hex") });

/** The type flag of a header block, with the checksum that belongs to it. */
function retyped(block: Buffer, flag: string): Buffer {
  const changed = Buffer.from(block);
  changed.write(flag, 156, "latin1");
  changed.fill(" ", 148, 156);
  const sum = changed.reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return changed;
}

const HOSTILE: readonly (readonly [string, Forgery])[] = [
  ["an absolute path", { entries: [TOP, { ...EVIL, path: "/tmp/holdfast-planted" }] }],
  ["a path that climbs", { entries: [TOP, { ...EVIL, path: "../../../holdfast-planted" }] }],
  [
    "a tar path that climbs behind a clean list",
    {
      entries: [TOP, EVIL],
      contents: { x: "evil" },
      tar: (tar) => tar.map((one) => ({ ...one, header: { ...one.header, path: `../${one.header.path}` } })),
    },
  ],
  [
    "a file behind a link out of the tree",
    { entries: [TOP, entryOf("out", { type: "symlink", target: "/tmp" }), { ...EVIL, path: "out/holdfast-planted" }] },
  ],
  ["a hard link out of the tree", { entries: [TOP, entryOf("h", { hard_link: "../../etc/shadow" })] }],
  [
    "a device",
    { entries: [TOP, EVIL], contents: { x: "evil" }, patch: (block, path) => (path === "memory/x" ? retyped(block, "3") : block) },
  ],
  [
    "a component that climbs",
    {
      entries: [TOP, EVIL],
      contents: { x: "evil" },
      manifest: { component_details: { memory: { ...details(), stored_as: "../../memory" } } },
    },
  ],
];

function details(): Record<string, unknown> {
  return {
    source: "tree",
    resolved_path: null,
    suspect: false,
    omissions: [],
    warnings: [],
    bytes: 4,
    entries: 2,
    whole: true,
    importance: "high",
    changed: [],
  };
}

function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
}

describe("holdfast import", () => {
  it("refuses a hostile archive with exit 4, and leaves nothing behind, in the vault or anywhere", async () => {
    using folder = temporaryFolder();
    const { run, vault } = makeInstance(folder.path, "  main: { path: holdfast.yaml }");
    expect((await run("backup")).exitCode).toBe(0);
    const before = everythingIn(folder.path);
    for (const [what, forgery] of HOSTILE) {
      const file = `${folder.path}.tar.gz`;
      forgeArchive(file, forgery);
      const failure = failureOf(await run("import", file, "--json"), 4);
      expect(["ARCHIVE_HOSTILE", "MANIFEST_INVALID"], `${what}: ${failure.code}`).toContain(failure.code);
      expect(failure.message.length, what).toBeLessThan(1000);
      expect(everythingIn(folder.path), what).toEqual(before);
      expect(existsSync("/tmp/holdfast-planted")).toBe(false);
      await runProgram(["rm", file]);
    }
    expect(documentOf<{ backups: unknown[] }>(await run("backup", "list", "--json"), 0).backups).toHaveLength(1);
    expect(readdirSync(vault).filter((name) => name.endsWith(".partial"))).toEqual([]);
  }, 60_000);

  it("refuses bombs without unpacking them: a gzip of a gigabyte of zeros, and a part that is larger than it says", async () => {
    using folder = temporaryFolder();
    const { run, runWith } = makeInstance(folder.path, "  main: { path: holdfast.yaml }");
    expect((await run("backup")).exitCode).toBe(0);
    const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    writeFileSync(folder.join("bomb.tar.gz"), Buffer.concat(Array.from({ length: 16 }, () => zeros)));
    const content = "\0".repeat(900_000);
    forgeArchive(folder.join("liar.tar.gz"), {
      entries: [TOP, entryOf("z", { size: content.length, sha256: createHash("sha256").update(content).digest("hex") })],
      contents: { z: content },
    });
    const liar = readFileSync(folder.join("liar.tar.gz"));
    liar.writeUInt32LE(1024, liar.length - 4);
    writeFileSync(folder.join("liar.tar.gz"), liar);
    // Few declared bytes, and very many entries.
    forgeArchive(folder.join("many.tar.gz"), {
      entries: [TOP],
      manifest: { component_details: { memory: { ...details(), stored_as: "memory", bytes: 0, entries: 2_000_000_000 } }, size_bytes: 0 },
    });
    for (const name of ["bomb.tar.gz", "liar.tar.gz", "many.tar.gz"]) {
      const begun = performance.now();
      const refused = await runWith({ nodeFlags: ["--max-old-space-size=64"], timeout: 30_000 }, "import", folder.join(name), "--json");
      expect(["BACKUP_DAMAGED", "MANIFEST_INVALID", "ARCHIVE_HOSTILE"], name).toContain(failureOf(refused, 4).code);
      expect(performance.now() - begun, name).toBeLessThan(20_000);
    }
    expect(readdirSync(folder.join("backups")).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it("refuses what is cut off, changed, or no archive at all, and takes it once it is whole; never the same one twice", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("memory"));
    writeFileSync(folder.join("memory", "a.md"), "remember ".repeat(5000));
    const source = makeInstance(folder.join("source"), `  memory: { path: ../memory }`, { name: "source" });
    const target = makeInstance(folder.join("target"), `  memory: { path: ../memory }`, { name: "target" });
    documentOf<BackupDocument>(await source.run("backup", "--json"), 0);
    expect((await source.run("export", "latest", "--output", folder.join("whole.tar.gz"))).exitCode).toBe(0);
    const whole = readFileSync(folder.join("whole.tar.gz"));
    const flipped = Buffer.from(whole);
    flipped[whole.length - 40] = (flipped[whole.length - 40] ?? 0) ^ 1;
    for (const bytes of [
      whole.subarray(0, whole.length - 30),
      whole.subarray(0, 100),
      Buffer.alloc(0),
      flipped,
      Buffer.concat([whole, whole]),
      Buffer.from("no archive at all"),
    ]) {
      writeFileSync(folder.join("in.tar.gz"), bytes);
      expect(["BACKUP_DAMAGED", "ARCHIVE_HOSTILE", "MANIFEST_INVALID"]).toContain(
        failureOf(await target.run("import", folder.join("in.tar.gz"), "--json"), 4).code,
      );
    }
    documentOf(await target.run("import", folder.join("whole.tar.gz"), "--json"), 0);
    expect(failureOf(await target.run("import", folder.join("whole.tar.gz"), "--json"), 1).code).toBe("FILE_EXISTS");
    expect((await target.run("verify", "--all")).exitCode).toBe(0);
    expect((await target.run("cat", "latest", "memory/a.md")).stdout).toBe("remember ".repeat(5000));
    expect(statSync(folder.join("whole.tar.gz")).size).toBe(whole.length);
  });
});
