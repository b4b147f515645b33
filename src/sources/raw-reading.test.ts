import { chmodSync, copyFileSync, linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { createBank, moveMoney, readBank } from "../../test/support/bank.ts";
import { holder, makeDatabase } from "../../test/support/source-database.ts";
import { readBack, testPlace, type ReadBack } from "../../test/support/source-place.ts";
import { writeTree } from "../../test/support/write-tree.ts";

const REASON = { raw: { reason: "It is broken" } } as const;
const WAS_DATABASE = { remembered: { single: false, paths: new Set(["state.db"]) } };

function filesOf({ entries }: ReadBack): string[] {
  return entries.flatMap(({ head }) => (head.type === "file" ? [head.path] : []));
}

/** A database with a write-ahead log and an index of it, as a process that was killed leaves them. */
function leaveWarm(path: string): Record<string, Buffer> {
  using bank = createBank(`${path}.live`);
  bank.exec("PRAGMA wal_autocheckpoint = 0");
  moveMoney(bank);
  for (const suffix of ["", "-wal", "-shm"]) copyFileSync(`${path}.live${suffix}`, `${path}${suffix}`);
  return Object.fromEntries(["", "-wal", "-shm"].map((suffix) => [suffix, readFileSync(`${path}${suffix}`)]));
}

describe("openReading() of a component that a salvage keeps raw", () => {
  it("gives a database and every sidecar byte by byte, below a folder, and says why", async () => {
    using place = testPlace();
    mkdirSync(join(place.state, "data"));
    const path = join(place.state, "data", "state.db");
    const bytes = leaveWarm(path);
    writeFileSync(`${path}-journal`, "a journal");
    const read = await readBack(place.request({ path, ...REASON }));
    expect(read.paths).toEqual([".", "state.db", "state.db-journal", "state.db-shm", "state.db-wal"]);
    for (const suffix of ["", "-wal", "-shm"])
      expect(read.bytes.get(`state.db${suffix}`)?.equals(bytes[suffix] ?? Buffer.alloc(0))).toBe(true);
    expect(read.bytes.get("state.db-journal")?.toString()).toBe("a journal");
    expect(read.entries.some(({ head }) => head.database === true)).toBe(false);
    expect(read.report).toEqual({
      source: "tree",
      resolved_path: path,
      salvaged: { file: "state.db", reason: "It is broken" },
      suspect: true,
      omissions: [],
      warnings: ["Kept raw: It is broken"],
    });
  });

  it("keeps the name that was declared, and the sidecars that lie beside the file it leads to", async () => {
    using place = testPlace();
    leaveWarm(join(place.state, "real.db"));
    symlinkSync("real.db", join(place.state, "state.db"));
    const read = await readBack(place.request({ path: join(place.state, "state.db"), ...REASON }));
    expect(filesOf(read)).toEqual(["state.db", "state.db-shm", "state.db-wal"]);
    expect(read.report.salvaged).toEqual({ file: "state.db", reason: "It is broken" });
  });

  it("names a sidecar that is no regular file as missing", async () => {
    using place = testPlace();
    const path = join(place.state, "state.db");
    makeDatabase(path, "delete");
    symlinkSync("/etc/passwd", `${path}-wal`);
    const read = await readBack(place.request({ path, ...REASON }));
    expect(filesOf(read)).toEqual(["state.db"]);
    expect(read.report.omissions).toEqual([{ path: "state.db-wal", reason: "Is no regular file", harmless: false }]);
  });

  it.each([
    ["a torn document", "state.json", '{"turn": 1', {}],
    ["a document although it is declared as one", "state.txt", '{"turn": 1', { kind: "json" }],
  ] as const)("gives %s as the file that it is, and never as a good one", async (_what, name, text, request) => {
    using place = testPlace();
    writeFileSync(join(place.state, name), text);
    const path = join(place.state, name);
    await expect(readBack(place.request({ path, ...request }))).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
    const read = await readBack(place.request({ path, ...request, ...REASON }));
    expect(read.bytes.get(name)?.toString()).toBe(text);
    expect(read.report).toMatchObject({ source: "file", suspect: true, salvaged: { file: null, reason: "It is broken" } });
  });

  it("still says what is not there and what this account may not read, whatever kind is declared", async () => {
    using place = testPlace();
    await expect(readBack(place.request({ path: join(place.state, "none.db"), ...REASON }))).rejects.toMatchObject({
      code: "COMPONENT_MISSING",
    });
    for (const name of ["closed.db", "closed.json"]) writeFileSync(join(place.state, name), "x", { mode: 0o600 });
    chmodSync(place.folder, 0o755);
    chmodSync(place.state, 0o755);
    const module = JSON.stringify(new URL("open-reading.ts", import.meta.url).href);
    for (const [name, kind] of [
      ["closed.db", "sqlite"],
      ["closed.db", undefined],
      ["closed.json", "json"],
    ] as const) {
      const request = place.request({ path: join(place.state, name), staging: "/nonexistent", kind, ...REASON });
      const code = `import { openReading } from ${module};
        await openReading({ ...${JSON.stringify(request)}, remembered: { single: false, paths: new Set() } }).catch((error) => console.log(error.code));`;
      const { stdout, stderr } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
      // Of a file the content is opened when it is stored.
      expect([name, kind, stdout, stderr]).toEqual([name, kind, "COMPONENT_UNREADABLE\n", ""]);
    }
  });
});

describe("openReading() of a tree in a salvage", () => {
  it.each([
    ["whose header is overwritten", WAS_DATABASE, (path: string) => writeFileSync(path, "no database any more", { flag: "r+" })],
    ["that is empty now", WAS_DATABASE, (path: string) => truncateSync(path, 0)],
    ["that is encrypted", {}, (path: string) => writeFileSync(path, Buffer.alloc(8192, 0xa5))],
  ])("keeps a database %s raw with its sidecars, and all else as usual", async (_what, before, spoil) => {
    using place = testPlace();
    makeDatabase(join(place.state, "other.db"), "wal");
    writeTree(place.state, { "notes/a.md": "a" });
    leaveWarm(join(place.state, "state.db"));
    for (const name of ["state.db.live", "state.db.live-wal", "state.db.live-shm"]) writeFileSync(join(place.state, name), "");
    spoil(join(place.state, "state.db"));
    const request = { ...before, exclude: ["*.live*"] };
    await expect(readBack(place.request(request))).rejects.toMatchObject({ code: "DATABASE_DAMAGED" });
    const read = await readBack(place.request({ ...request, raw: "inside" }));
    expect(read.paths).toEqual([".", "notes", "notes/a.md", "other.db", "state.db", "state.db-shm", "state.db-wal"]);
    expect(read.bytes.get("state.db")?.equals(readFileSync(join(place.state, "state.db")))).toBe(true);
    expect(read.entries.filter(({ head }) => head.database === true).map(({ head }) => head.path)).toEqual(["other.db"]);
    expect(read.report).toMatchObject({ source: "tree", suspect: true, salvaged: { file: null, paths: ["state.db"] } });
    expect(Object.keys(read.report.databases ?? {})).toEqual(["other.db"]);
    expect(read.report.warnings).toContainEqual(expect.stringMatching(/^"state\.db" is kept raw, with its sidecars: /));
  });

  it("keeps one that another process has locked raw, under a pause as well", async () => {
    using place = testPlace();
    const path = join(place.state, "state.db");
    makeDatabase(path, "delete");
    await using _ = await holder(path, 'db.exec("BEGIN EXCLUSIVE; UPDATE t SET x = 0")');
    for (const cut of [false, true]) {
      const request = { busyTimeout: 100, cut };
      await expect(readBack(place.request(request))).rejects.toMatchObject({ code: "DATABASE_LOCKED" });
      const read = await readBack(place.request({ ...request, raw: "inside" }));
      expect(filesOf(read)).toEqual(["state.db", "state.db-journal"]);
      expect(read.report).toMatchObject({ suspect: true, salvaged: { file: null, paths: ["state.db"] } });
    }
  });

  it("keeps the other names of such a database raw, with the log that may lie beside them", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    leaveWarm(path);
    linkSync(path, join(place.state, "b.db"));
    writeFileSync(join(place.state, "b.db-wal"), "another log");
    const read = await readBack(place.request({ exclude: ["*.live*"], raw: "inside" }));
    expect(read.report.salvaged).toBeUndefined();

    writeFileSync(path, "overwritten", { flag: "r+" });
    const remembered = { single: false, paths: new Set(["a.db", "b.db"]) };
    const raw = await readBack(place.request({ exclude: ["*.live*"], remembered, raw: "inside" }));
    expect(filesOf(raw)).toEqual(["a.db", "a.db-shm", "a.db-wal", "b.db", "b.db-wal"]);
    expect(raw.report.salvaged).toEqual({ file: null, paths: ["a.db", "b.db"] });
    expect(raw.entries.some(({ head }) => head.database === true)).toBe(false);
  });

  it("is an ordinary reading of a sound tree: uncheckpointed rows are in the copy, and nothing is suspect", async () => {
    using place = testPlace();
    const path = join(place.state, "state.db");
    using bank = createBank(path);
    bank.exec("PRAGMA wal_autocheckpoint = 0");
    for (let n = 0; n < 100; n += 1) moveMoney(bank);
    const read = await readBack(place.request({ raw: "inside" }));
    expect(filesOf(read)).toEqual(["state.db"]);
    writeFileSync(join(place.folder, "copy.db"), read.bytes.get("state.db") ?? "");
    expect(readBank(join(place.folder, "copy.db")).last).toBe(100);
    expect(read.report).toMatchObject({ suspect: false, warnings: [] });
    expect(read.report.salvaged).toBeUndefined();
  });
});
