import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chownSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  closeSync,
  ftruncateSync,
  writeSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { openAnyVault } from "../../test/support/any-vault.ts";
import { asUser } from "../../test/support/as-user.ts";
import { CHECKOUT } from "../../test/support/holdfast.ts";
import { liveReading } from "../../test/support/live-reading.ts";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { placeOf } from "../../test/support/stored-forms.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { UNPACK_WITH_PYTHON } from "../../test/support/unpack-with-python.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { memoryReading, readAll, storeAll, takeBackupOf } from "../testing/index.ts";
import type { BackupHead, Entry, Reading, ReadingEntry, StoredComponent, Vault } from "../vault/index.ts";

const FORMS = ["tar.gz", "directory", "repository"] as const;
type Form = (typeof FORMS)[number];
const TIME = Date.parse("2026-03-15T14:30:00Z");
const ROOT = process.getuid?.() === 0;

function open(folder: TemporaryFolder | { readonly path: string }, form: Form): Promise<Vault> {
  return openAnyVault(`${folder.path}/vault`, form);
}

/** Of backups and of what is half-made; packs that nothing names go with a later sweep. */
function namesIn(vault: string): string[] {
  return readdirSync(vault)
    .filter((name) => name !== "keys" && name !== "packs")
    .toSorted();
}

/** One component, stored and committed. */
async function store(vault: Vault, reading: Reading, storedAs = "memory"): Promise<{ head: BackupHead; stored: StoredComponent }> {
  await using draft = await vault.begin({ trigger: "manual", time: TIME });
  const stored = await draft.store({ component: "memory", storedAs, reading });
  const body = await storeAll(draft, {}, { time: TIME, trigger: "manual" });
  const { entries, bytes, changed } = stored;
  const details = {
    memory: { ...reading.report(), stored_as: storedAs, entries, bytes, changed, whole: true, importance: "high" as const },
  };
  return { head: await draft.commit({ ...body, components: ["memory"], component_details: details }), stored };
}

async function entriesOf(vault: Vault, head: BackupHead): Promise<Record<string, Entry>> {
  await using reader = await vault.open(head.id);
  const found: Record<string, Entry> = {};
  for await (const entry of reader.entries()) found[entry.path] = entry;
  return found;
}

function sha256(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A tree with everything that a tar file has trouble with. */
function difficultTree(folder: TemporaryFolder): string {
  const root = folder.join("tree");
  const long = `${"long-folder-name/".repeat(9)}${"n".repeat(200)}.txt`;
  writeTree(root, {
    "plain.txt": "plain",
    [long]: "long",
    "umläut-日本.txt": "unicode",
    "line\nfeed": "feed",
    empty: "",
    "big.bin": Buffer.alloc(9_000_000, "0123456789abcdef!"),
    "manifest.json": "{}",
  });
  for (let number = 0; number < 300; number += 1) writeTree(root, { [`many/${number}.md`]: `note ${number} `.repeat(number) });
  utimesSync(`${root}/plain.txt`, 1_700_000_000.25, 1_700_000_000.25);
  symlinkSync("plain.txt", `${root}/link`);
  symlinkSync("x".repeat(150), `${root}/long-link`);
  lutimesSync(`${root}/link`, 1_600_000_000, 1_600_000_000);
  linkSync(`${root}/plain.txt`, `${root}/second-name`);
  const hole = openSync(`${root}/sparse`, "w");
  writeSync(hole, "begin");
  writeSync(hole, "end", 20_000_000);
  ftruncateSync(hole, 30_000_000);
  closeSync(hole);
  if (ROOT) {
    chownSync(`${root}/empty`, 3_000_000, 3_000_001);
    execFileSync("touch", ["-d", "1969-12-31T23:59:58Z", `${root}/empty`]);
  }
  return root;
}

async function fingerprint(root: string, timeless: string): Promise<string> {
  const list = await runProgram(["find", ".", "-printf", "%P|%y|%m|%U|%G|%T@|%l|%n|%i\\0"], { cwd: root });
  const inodes = new Map<string, string>();
  const lines = list.stdout.split("\0").toSorted();
  return lines
    .map((line) => {
      const [path = "", type, mode, uid, gid, time, target, , inode = ""] = line.split("|");
      if (type === "f" && !inodes.has(inode)) inodes.set(inode, path);
      const hash = type === "f" ? sha256(readFileSync(`${root}/${path}`)) : "";
      // Some write times to the microsecond only.
      return [
        path,
        type,
        mode,
        uid,
        gid,
        timeless.includes(type ?? "") ? "" : Number(time).toFixed(5),
        target,
        inodes.get(inode),
        hash,
      ].join("|");
    })
    .join("\n");
}

describe("LocalDraft", () => {
  it.each([
    ["GNU tar", (file: string) => ["tar", "xzf", file]],
    ["bsdtar", (file: string) => ["bsdtar", "-xpzf", file]],
    ["Python's tarfile", (file: string) => [...UNPACK_WITH_PYTHON, file, "."]],
  ])("writes a .tar.gz that %s unpacks to the same files", async (name, unpack) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, "tar.gz");
    const root = difficultTree(folder);
    const { head } = await store(vault, liveReading(root));
    mkdirSync(folder.join("out"));
    const unpacked = await runProgram(unpack(head.location), { cwd: folder.join("out") });
    expect(unpacked.stderr.replace(/^.*implausibly old time stamp.*\n/, "")).toBe("");
    expect(readdirSync(folder.join("out")).toSorted()).toEqual(["entries.jsonl", "manifest.json", "memory"]);
    // Python leaves the times of folders and links to chance.
    const timeless = name.startsWith("Python") ? "dl" : "";
    expect(await fingerprint(folder.join("out", "memory"), timeless)).toBe(await fingerprint(root, timeless));
    expect(JSON.parse(readFileSync(folder.join("out", "manifest.json"), "utf8"))).toEqual(head.manifest);
    expect(statSync(folder.join("out", "sparse").replace("sparse", "memory/sparse")).size).toBe(30_000_000);
    expect((await runProgram(["tar", "tzf", head.location])).stdout.split("\n").slice(0, 2)).toEqual(["manifest.json", "entries.jsonl"]);
    expect((await runProgram(["gzip", "-t", head.location])).exitCode).toBe(0);
  });

  it.each(FORMS)("gives the difficult tree back, entry by entry (%s)", async (form) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const root = difficultTree(folder);
    const { head, stored } = await store(vault, liveReading(root));
    const found = await entriesOf(vault, head);
    expect(stored).toMatchObject({ changed: [], omissions: [], entries: Object.keys(found).length });
    expect(found["second-name"]).toMatchObject({ hard_link: "plain.txt", size: 0 });
    expect(found["sparse"]).toMatchObject({ sparse: true, size: 30_000_000 });
    expect(found["plain.txt"]?.mtime_ns).toBe("1700000000250000000");
    if (ROOT) expect(found["empty"]).toMatchObject({ uid: 3_000_000, gid: 3_000_001, mtime_ns: "-2000000000" });
    const read = await readAll(vault, head.id);
    expect(read["memory/big.bin"]?.length).toBe(9_000_000);
    expect(read["memory/line\nfeed"]).toBe("feed");
    expect(read["memory/second-name"]).toBeNull();
    for (let number = 0; number < 300; number += 1) expect(read[`memory/many/${number}.md`]).toBe(`note ${number} `.repeat(number));
  });

  it("keeps holes, private modes and one file for two names in a folder", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, "directory");
    const { head } = await store(vault, liveReading(difficultTree(folder)));
    const at = `${head.location}/memory`;
    expect(statSync(`${at}/sparse`).blocks * 512).toBeLessThan(1_000_000);
    expect(statSync(`${at}/plain.txt`).ino).toBe(statSync(`${at}/second-name`).ino);
    expect(statSync(`${at}/plain.txt`).mode & 0o777).toBe(0o600);
    for (const path of [head.location, at, `${at}/many`, folder.join("vault"), folder.join("vault/.vault")])
      expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it.each(FORMS)("takes staged files and streams, under a name at the top as well (%s)", async (form) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    await using draft = await vault.begin({ trigger: "manual", time: TIME });
    const copy = `${draft.staging}/copy.db`;
    writeFileSync(copy, Buffer.alloc(3_000_000, "database "));
    const { dev, ino } = statSync(copy, { bigint: true });
    const head = { mode: 0o644, uid: 0, gid: 0, mtime_ns: "1", size: 3_000_000, type: "file" as const };
    const staged = single("sqlite", {
      head: { ...head, path: "app.db", database: true },
      content: {
        kind: "staged",
        movable: true,
        spans: [{ kind: "file", path: copy, device: dev, inode: ino, offset: 0, length: 3_000_000 }],
      },
    });
    const dump = single("command", {
      head: { ...head, path: "dump.sql", size: 0 },
      content: { kind: "stream", open: () => Readable.from(["select 1;", "select 2;"]) },
    });
    const one = await draft.store({ component: "persistence", storedAs: "app.db", reading: staged });
    const two = await draft.store({ component: "dump", storedAs: "dump/dump.sql", reading: dump });
    const body = await storeAll(draft, {}, { time: TIME, trigger: "manual" });
    const details = {
      persistence: {
        ...staged.report(),
        stored_as: "app.db",
        entries: one.entries,
        bytes: one.bytes,
        changed: [],
        whole: true,
        importance: "critical" as const,
      },
      dump: {
        ...dump.report(),
        stored_as: "dump/dump.sql",
        entries: two.entries,
        bytes: two.bytes,
        changed: [],
        whole: true,
        importance: "high" as const,
      },
    };
    const committed = await draft.commit({ ...body, components: ["persistence", "dump"], component_details: details });
    expect(await readAll(vault, committed.id)).toEqual({
      "persistence/app.db": Buffer.alloc(3_000_000, "database ").toString(),
      "dump/dump.sql": "select 1;select 2;",
    });
    expect(join(folder.join("vault"), namesIn(folder.join("vault"))[1] ?? "")).toBe(placeOf(form, folder.join("vault"), committed.id));
  });

  it.each(FORMS)("reports files that vanish, cannot be read, or grow, and stores the rest (%s)", async (form) => {
    using folder = temporaryFolder();
    const root = folder.join("tree");
    writeTree(root, { a: "first", b: "second", c: "third", d: "x".repeat(12_000_000), z: "last" });
    linkSync(`${root}/b`, `${root}/b-again`);
    linkSync(`${root}/b`, `${root}/b-once-more`);
    await using vault = await open(folder, form);
    const inner = liveReading(root);
    const reading: Reading = {
      ...inner,
      async *entries() {
        for await (const entry of inner.entries()) {
          if (entry.head.path === "b" || entry.head.path === "c") rmSync(`${root}/${entry.head.path}`);
          yield entry;
        }
      },
    };
    const { head, stored } = await store(vault, reading);
    expect(stored.changed).toEqual([
      { path: "b", change: "vanished" },
      { path: "c", change: "vanished" },
    ]);
    expect(await readAll(vault, head.id)).toEqual({
      "memory/.": null,
      "memory/a": "first",
      // The other names still lead to the file.
      "memory/b-again": "second",
      "memory/b-once-more": null,
      "memory/d": "x".repeat(12_000_000),
      "memory/z": "last",
    });
    expect((await entriesOf(vault, head))["b-once-more"]).toMatchObject({ hard_link: "b-again" });
  });

  it.each([
    ["grows", "grew", (path: string) => appendFileSync(path, "more")],
    ["shrinks once", undefined, (path: string) => truncateSync(path, 9_000_000)],
    ["vanishes", "vanished", (path: string) => rmSync(path)],
    [
      "is replaced",
      "replaced",
      (path: string) => {
        rmSync(path);
        writeFileSync(path, "new".repeat(3_000_000));
      },
    ],
  ] as const)("stores a large file that %s while it goes into a .tar.gz, so that header and bytes agree", async (_, change, move) => {
    using folder = temporaryFolder();
    const root = folder.join("tree");
    writeTree(root, { a: "before", big: Buffer.alloc(14_000_000, "old"), z: "after" });
    await using vault = await open(folder, "tar.gz");
    await using draft = await vault.begin({ trigger: "manual", time: TIME });
    let moved = false;
    const reading = liveReading(root);
    const stored = await draft.store({
      component: "memory",
      storedAs: "memory",
      reading,
      onBytes: (bytes) => {
        if (moved || bytes < 1_000_000) return;
        moved = true;
        move(`${root}/big`);
      },
    });
    expect(moved).toBe(true);
    expect(stored.changed).toEqual(change === undefined ? [] : [{ path: "big", change }]);
    const { entries, bytes, changed } = stored;
    const body = await storeAll(draft, {}, { time: TIME, trigger: "manual" });
    const head = await draft.commit({
      ...body,
      components: ["memory"],
      component_details: { memory: { ...reading.report(), stored_as: "memory", entries, bytes, changed, whole: true, importance: "high" } },
    });
    const read = await readAll(vault, head.id);
    expect([read["memory/a"], read["memory/z"]]).toEqual(["before", "after"]);
    if (change === "grew") expect(read["memory/big"]).toBe(Buffer.alloc(14_000_000, "old").toString());
    if (existsSync(`${root}/big`) && change !== "grew") expect(sha256(read["memory/big"] ?? "")).toBe(sha256(readFileSync(`${root}/big`)));
    expect((await runProgram(["tar", "tzf", head.location])).exitCode).toBe(0);
  });

  it("gives every file whole or says so while another process keeps writing", async () => {
    using folder = temporaryFolder();
    const root = folder.join("tree");
    for (let number = 0; number < 40; number += 1) writeTree(root, { [`f${number}`]: "0".repeat(20_000) });
    const script = `
      const fs = require("node:fs");
      process.stdout.write("ready");
      for (let round = 1; ; round += 1) for (let number = 0; number < 40; number += 1) {
        const path = process.argv[1] + "/f" + number;
        if (number % 2) fs.appendFileSync(path, "0"); else fs.writeFileSync(path, String(round % 10).repeat(20000 + (round % 7)));
      }`;
    const { spawn } = await import("node:child_process");
    const writer = spawn(process.execPath, ["-e", script, root], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await new Promise((resolve) => writer.stdout.once("data", resolve));
      for (const form of FORMS) {
        await using vault = await open({ path: folder.join(form) }, form);
        const { head, stored } = await store(vault, liveReading(root));
        const read = await readAll(vault, head.id);
        const torn = new Set(stored.changed.filter(({ change }) => change === "rewritten").map(({ path }) => path));
        for (const [path, content] of Object.entries(read)) {
          if (content === null || torn.has(path.slice("memory/".length))) continue;
          // One digit, repeated: any mixture of two states shows.
          expect(new Set(content).size, path).toBeLessThanOrEqual(1);
        }
      }
    } finally {
      writer.kill("SIGKILL");
    }
  });

  it.skipIf(!ROOT)("leaves out what this account may not read, and says so", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "tree/open": "open", "tree/secret": "secret" });
    const script = `
      import { liveReading } from "${CHECKOUT}/test/support/live-reading.ts";
      import { openAnyVault } from "${CHECKOUT}/test/support/any-vault.ts";
      await using vault = await openAnyVault(process.argv[1] + "/" + process.argv[2], process.argv[2]);
      await using draft = await vault.begin({ trigger: "manual", time: 0 });
      console.log(JSON.stringify(await draft.store({ component: "m", storedAs: "m", reading: liveReading(process.argv[1] + "/tree") })));`;
    for (const path of ["", "/tree", "/tree/open"]) chownSync(folder.path + path, 54_321, 54_321);
    const { chmodSync } = await import("node:fs");
    chmodSync(folder.join("tree/secret"), 0o600);
    for (const form of FORMS) {
      const result = await asUser(54_321, [process.execPath, "--input-type=module", "-e", script, folder.path, form], { cwd: "/" });
      if (result.exitCode !== 0 && result.stderr.includes("EACCES") && result.stderr.includes(CHECKOUT)) return; // the checkout itself is private
      expect(result.json()).toMatchObject({ entries: 2, omissions: [{ path: "secret", reason: "permission denied", harmless: false }] });
    }
  });

  it.each(FORMS)("stops when it is told, leaves nothing, and lets the next one begin (%s)", async (form) => {
    using folder = temporaryFolder();
    const root = folder.join("tree");
    writeTree(root, { a: "a", big: Buffer.alloc(30_000_000, "x") });
    await using vault = await open(folder, form);
    const controller = new AbortController();
    {
      await using draft = await vault.begin({ trigger: "manual", time: TIME });
      const reading = liveReading(root, { before: (path) => (path === "big" ? setImmediate(() => controller.abort()) : undefined) });
      await expect(draft.store({ component: "memory", storedAs: "memory", reading, signal: controller.signal })).rejects.toMatchObject({
        code: "INTERRUPTED",
      });
      await expect(draft.store({ component: "other", storedAs: "other", reading: memoryReading({}) })).rejects.toMatchObject({
        code: "INTERRUPTED",
      });
    }
    expect(namesIn(folder.join("vault"))).toEqual([".vault"]);
    await takeBackupOf(vault, { a: "a" });
  });

  it.each(FORMS)("ends with NO_SPACE wherever the disk fills up, and leaves nothing but what was there (%s)", async (form) => {
    using folder = temporaryFolder();
    const root = folder.join("tree");
    const { randomBytes } = await import("node:crypto");
    writeTree(root, { small: "s".repeat(50_000), big: randomBytes(1_500_000) });
    for (let number = 0; number < 200; number += 1) writeTree(root, { [`n/${number}`]: randomBytes(2000) });
    let failed = 0;
    let fitted = 0;
    for (const size of [200_000, 600_000, 1_000_000, 1_500_000, 2_000_000, 2_500_000, 3_500_000, 4_500_000, 9_000_000]) {
      using mount = mountTmpfs(size, {
        skip: () => {
          throw new Error("tmpfs needs root");
        },
      });
      await using vault = await open(mount, form);
      const attempt = await store(vault, liveReading(root)).catch((error: unknown) => error);
      const listing = await vault.list();
      expect([listing.unfinished, listing.foreign, listing.damaged]).toEqual([[], [], []]);
      if (attempt instanceof Error) {
        expect(attempt).toMatchObject({ code: "NO_SPACE" });
        expect(namesIn(`${mount.path}/vault`)).toEqual([".vault"]);
        failed += 1;
      } else {
        expect(Object.keys(await readAll(vault, listing.backups[0]!.id)).length).toBe(204);
        fitted += 1;
      }
    }
    expect(failed).toBeGreaterThan(2);
    expect(fitted).toBeGreaterThan(0);
  });
});

function single(source: "sqlite" | "command", entry: ReadingEntry): Reading {
  async function* entries(): AsyncGenerator<ReadingEntry> {
    yield await Promise.resolve(entry);
  }
  return {
    entries,
    confirm: () => Promise.resolve(),
    report: () => ({ source, resolved_path: null, suspect: false, omissions: [], warnings: [] }),
    close: () => Promise.resolve(),
  };
}
