import { createHash, randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { flipBit } from "../support/flip-bit.ts";
import { entryOf, forgeArchive } from "../support/forge-archive.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument, type Instance, type StatusDocument } from "../support/instance.ts";
import { placeOf, type StoredFormName } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const SECRET_NUMBER = 4_711;

interface ListDocument {
  readonly backups: readonly { readonly id: string; readonly sequence: number }[];
  readonly damaged: readonly { readonly name: string; readonly problem: string }[];
  readonly missing: readonly number[];
  readonly chain: readonly string[];
  readonly foreign: readonly string[];
}

interface VerifyDocument {
  readonly results: readonly { readonly id: string; readonly ok: boolean; readonly problem: string | null }[];
  readonly vault: readonly string[];
}

function instance(folder: string, form: StoredFormName): Instance {
  writeTree(folder, { "main.txt": "main ".repeat(2000), "memory/first.md": "# first\n", "memory/second.md": `number ${SECRET_NUMBER}\n` });
  return makeInstance(folder, "  main: { path: main.txt }\n  memory: { path: memory }", { form });
}

async function take({ run }: Instance, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push(documentOf<BackupDocument>(await run("backup", "--json"), 0).id);
  return ids;
}

/** What every command makes of a vault of which the newest backup cannot be trusted. */
async function expectUntrusted({ run, folder }: Instance, id: string): Promise<ListDocument> {
  const list = documentOf<ListDocument>(await run("backup", "list", "--json"), 4);
  const verified = documentOf<VerifyDocument>(await run("verify", "--all", "--json"), 4);
  expect(verified.vault.length + verified.results.filter(({ ok }) => !ok).length).toBeGreaterThan(0);
  const status = documentOf<StatusDocument>(await run("status", "--json"), 4);
  expect(status.safe).toBe(false);
  expect(status.problems.length).toBeGreaterThan(0);
  expect((await run("restore", id, "--to", join(folder, "out"), "--json")).exitCode).not.toBe(0);
  expect(existsSync(join(folder, "out"))).toBe(false);
  return list;
}

describe("a manifest that cannot be trusted", () => {
  type Change = (manifest: Record<string, unknown>) => void;
  const details = (manifest: Record<string, unknown>): Record<string, Record<string, unknown>> =>
    manifest["component_details"] as Record<string, Record<string, unknown>>;
  const CASES: readonly (readonly [string, Change])[] = [
    ["bad version", (manifest) => (manifest["version"] = "0")],
    ["newer version", (manifest) => (manifest["version"] = "2")],
    ["bad checksum", (manifest) => (manifest["checksum"] = "md5:00")],
    ["id of another backup", (manifest) => (manifest["id"] = "2001-01-01T00-00-00_manual")],
    ["id that is a path", (manifest) => (manifest["id"] = "../../etc")],
    ["bad sequence", (manifest) => (manifest["sequence"] = -1)],
    ["sequence of another backup", (manifest) => (manifest["sequence"] = 1)],
    ["path that climbs", (manifest) => (details(manifest)["memory"]!["stored_as"] = "../../../memory")],
    ["absolute path", (manifest) => (details(manifest)["memory"]!["stored_as"] = "/etc")],
    ["unknown feature", (manifest) => (manifest["features"] = { read: ["encrypted"], write: [] })],
  ];

  it("of any sort makes list and verify exit 4 and status not safe; nothing is restored from it", async () => {
    using folder = temporaryFolder();
    const whole = instance(folder.join("whole"), "directory");
    const [, id = ""] = await take(whole, 2);
    for (const [what, change] of CASES) {
      const path = folder.join(what.replaceAll(" ", "-"));
      cpSync(folder.join("whole"), path, { recursive: true });
      const copy = instance(path, "directory");
      const file = join(copy.vault, id, "manifest.json");
      const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
      change(manifest);
      writeFileSync(file, JSON.stringify(manifest));
      const list = await expectUntrusted(copy, id);
      const told = [...list.damaged.map(({ name, problem }) => `${name}: ${problem}`), ...list.chain, ...list.missing.map(String)];
      expect(told.length, what).toBeGreaterThan(0);
      rmSync(path, { recursive: true });
    }
  }, 120_000);

  it("is refused as the only backup, in an archive as well, and the next backup still works", async () => {
    for (const manifest of [{ version: "0" }, { checksum: "md5:00" }, { sequence: -1 }, { id: "../../etc" }]) {
      using folder = temporaryFolder();
      const forged = instance(folder.path, "tar.gz");
      const [id = ""] = await take(forged, 1);
      const file = join(forged.vault, `${id}.tar.gz`);
      rmSync(file);
      forgeArchive(file, { entries: [entryOf(".", { type: "directory" })], manifest: { id, instance: "instance", ...manifest } });
      const list = await expectUntrusted(forged, id);
      expect(list.backups).toEqual([]);
      expect(list.damaged).toEqual([{ name: `${id}.tar.gz`, problem: expect.stringContaining("manifest") as string }]);
      expect(documentOf<BackupDocument>(await forged.run("backup", "--json"), 0).status).toBe("complete");
    }
  }, 60_000);

  it("whose number is far above its place makes list and verify exit 4, and status says which numbers are gone", async () => {
    using folder = temporaryFolder();
    const plain = instance(folder.path, "directory");
    const [, id = ""] = await take(plain, 2);
    const file = join(plain.vault, id, "manifest.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"sequence": 2', '"sequence": 5'));
    expect(documentOf<ListDocument>(await plain.run("backup", "list", "--json"), 4).missing).toEqual([2, 3, 4]);
    const told = await plain.run("backup", "list");
    expect([told.exitCode, told.stderr]).toEqual([4, expect.stringContaining("backup number 3 is gone")]);
    expect((await plain.run("verify", "--all")).exitCode).toBe(4);
    expect((await plain.run("status")).stdout).toContain("backup number 4 is gone, and no removal record names it");
  });

  it("whose checksum is well-formed and wrong is found by verify; then status is not safe", async () => {
    using folder = temporaryFolder();
    const plain = instance(folder.path, "directory");
    const [id = ""] = await take(plain, 1);
    const file = join(plain.vault, id, "manifest.json");
    const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...manifest, checksum: `sha256:${"0".repeat(64)}` }));
    expect((await plain.run("verify", "--json")).exitCode).toBe(4);
    const status = documentOf<StatusDocument>(await plain.run("status", "--json"), 4);
    expect(status.components.every(({ problem }) => problem?.includes("checksum"))).toBe(true);
    expect(failureOf(await plain.run("restore", id, "--to", folder.join("out"), "--json"), 4).code).toBe("BACKUP_DAMAGED");
  });
});

/** All commands on a backup of which a content is damaged: none gives the damaged bytes out as good. */
async function expectDamaged({ run, folder }: Instance, id: string): Promise<void> {
  const verified = documentOf<VerifyDocument>(await run("verify", "--all", "--json"), 4);
  expect(verified.results.some((result) => !result.ok) || verified.vault.length > 0).toBe(true);
  const status = documentOf<StatusDocument>(await run("status", "--json"), 4);
  const said = [...status.components.map(({ problem }) => problem), ...status.problems].join("\n");
  expect(said).toMatch(/damaged|cut off|is gone|cannot be|not a/i);
  const refused = await run("restore", id, "--to", join(folder, "out"), "--json");
  expect([2, 4]).toContain(refused.exitCode);
  if (refused.exitCode === 4) expect(["BACKUP_DAMAGED", "ARCHIVE_HOSTILE", "MANIFEST_INVALID"]).toContain(failureOf(refused, 4).code);
  // Nothing that could be taken for a finished restore.
  if (existsSync(join(folder, "out")))
    expect(readdirSync(join(folder, "out")).filter((name) => !name.startsWith(".holdfast-unfinished"))).toEqual([]);
  rmSync(join(folder, "out"), { recursive: true, force: true });
}

describe("a damaged backup", () => {
  it("a .tar.gz that is cut off or has a flipped bit: verify exits 4, restore refuses, status says so", async () => {
    using folder = temporaryFolder();
    const archive = instance(folder.path, "tar.gz");
    const [id = ""] = await take(archive, 1);
    const file = join(archive.vault, `${id}.tar.gz`);
    const good = readFileSync(file);
    const marks = join(archive.vault, ".vault", "marks");
    const spots = [0, 0.02, 0.3, 0.5, 0.7, 0.9, 1].map((part) => Math.min(good.length - 1, Math.floor(part * good.length)));
    for (const spot of spots) {
      const flipped = Buffer.from(good);
      // All bits of it: a single one of a compressed stream may mean the same either way.
      flipped[spot] = (flipped[spot] ?? 0) ^ 0xff;
      writeFileSync(file, flipped);
      await expectDamaged(archive, id);
      rmSync(marks, { recursive: true });
      mkdirSync(marks);
    }
    for (const length of [0, 1, Math.floor(good.length / 2), good.length - 1]) {
      writeFileSync(file, good.subarray(0, length));
      await expectDamaged(archive, id);
      rmSync(marks, { recursive: true });
      mkdirSync(marks);
    }
    writeFileSync(file, good);
    expect((await archive.run("verify", "--all")).exitCode).toBe(0);
    expect((await archive.run("status")).exitCode).toBe(0);
  }, 120_000);

  it.each(["tar.gz", "repository"] as const)(
    "the newest of a %s vault: restore latest takes the one before it, and says so",
    async (form) => {
      using folder = temporaryFolder();
      const damaged = instance(folder.path, form);
      const [first = "", second = ""] = await take(damaged, 2);
      const out = join(folder.path, "out");
      expect(
        documentOf<{ warnings: readonly string[] }>(await damaged.run("restore", "latest", "--to", out, "--json"), 0).warnings,
      ).toEqual([]);
      rmSync(out, { recursive: true });
      truncateSync(join(damaged.vault, form === "repository" ? `${second}.backup` : `${second}.tar.gz`), 100);
      const told = [expect.stringMatching(new RegExp(`^This is "${first}": "${second}.*" is newer and cannot be read`))];
      expect(documentOf(await damaged.run("restore", "latest", "--to", out, "--json"), 0)).toMatchObject({ id: first, warnings: told });
      expect(documentOf(await damaged.run("restore", "latest", "--dry-run", "--json"), 0)).toMatchObject({
        id: first,
        warnings: expect.arrayContaining(told),
      });
    },
  );

  it("a file in a pack that is damaged: restore --to says how to have the rest, and leaves no folder when it has written nothing", async () => {
    using folder = temporaryFolder();
    const packs = instance(folder.path, "repository");
    writeFileSync(join(folder.path, "memory", "noise"), randomBytes(12_000_000));
    const [id = ""] = await take(packs, 1);
    const out = join(folder.path, "out");
    const restore = async (...more: string[]): ReturnType<typeof packs.run> =>
      await packs.run("restore", id, "--to", out, "--json", ...more);
    expect(failureOf(await restore("--path", "nothing"), 2).code).toBe("PATH_NOT_FOUND");
    expect(existsSync(out)).toBe(false);
    // The noise is most of any pack: half way through it lies nothing else, and no part that a small file shares with it.
    const [pack = "", ...others] = readdirSync(join(packs.vault, "packs"), { recursive: true, encoding: "utf8" })
      .map((name) => join(packs.vault, "packs", name))
      .filter((path) => statSync(path).isFile())
      .toSorted((one, other) => statSync(other).size - statSync(one).size);
    flipBit(pack);
    const failure = failureOf(await restore(), 4);
    expect(failure).toMatchObject({ code: "BACKUP_DAMAGED", message: expect.stringContaining("noise") });
    expect(failure.hint).toMatch(/may come back with --path or --component, or with tools\/rescue\.mjs, by its --component and --partial$/);
    expect(failure.hint?.includes(join(out, ".holdfast-unfinished-restore"))).toBe(existsSync(out));
    rmSync(out, { recursive: true, force: true });
    documentOf(await restore("--path", "memory/*.md"), 0);
    expect(readdirSync(join(out, "memory"))).toEqual(["first.md", "second.md"]);
    rmSync(out, { recursive: true });
    for (const path of [pack, ...others]) truncateSync(path, 60);
    expect(failureOf(await restore(), 4).hint).toContain("tools/rescue.mjs");
    expect(existsSync(out)).toBe(false);
  });

  it("a file of a plain folder that is changed, cut off, missing, more, or a link: verify exits 4 and names it, and cat of it fails", async () => {
    using folder = temporaryFolder();
    const plain = instance(folder.join("whole"), "directory");
    const [id = ""] = await take(plain, 1);
    const target = (vault: string): string => join(vault, id, "memory", "second.md");
    const CASES: Record<string, (path: string) => void> = {
      changed: (path) => writeFileSync(path, readFileSync(path, "utf8").replace("4711", "4712")),
      "cut off": (path) => truncateSync(path, 3),
      missing: (path) => rmSync(path),
      "is a link to the same bytes": (path) => {
        renameSync(path, `${path}.moved`);
        symlinkSync("second.md.moved", path);
      },
      "is a folder": (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    };
    for (const [what, damage] of Object.entries(CASES)) {
      const path = folder.join(what.replaceAll(" ", "-"));
      cpSync(folder.join("whole"), path, { recursive: true });
      const copy = instance(path, "directory");
      damage(target(copy.vault));
      await expectDamaged(copy, id);
      const cat = await copy.run("cat", id, "memory/second.md");
      expect(cat.exitCode, what).toBe(4);
      expect(cat.stderr, what).toContain("memory/second.md");
      expect(failureOf(await copy.run("cat", id, "memory/second.md", "--json"), 4)).toMatchObject({
        code: "BACKUP_DAMAGED",
        message: expect.stringContaining("memory/second.md") as string,
      });
      // What is whole can still be had.
      expect((await copy.run("cat", id, "memory/first.md")).stdout, what).toBe("# first\n");
      expect((await copy.run("backup", "list")).stdout).toContain("DAMAGED");
    }
    const more = folder.join("more");
    cpSync(folder.join("whole"), more, { recursive: true });
    const copy = instance(more, "directory");
    writeFileSync(join(copy.vault, id, "memory", "planted.sh"), "id");
    const verified = documentOf<VerifyDocument>(await copy.run("verify", "--json"), 4);
    expect(verified.results[0]?.problem).toContain("memory/planted.sh");
  }, 60_000);

  it("cat of a damaged file in a .tar.gz fails, also when its bytes came out already", async () => {
    using folder = temporaryFolder();
    const archive = instance(folder.path, "tar.gz");
    const [id = ""] = await take(archive, 1);
    // The content is another one and every checksum of tar and gzip fits: only its recorded hash gives it away.
    const file = join(archive.vault, `${id}.tar.gz`);
    const { manifest } = documentOf<{ manifest: { vault: string } }>(await archive.run("backup", "show", id, "--json"), 0);
    rmSync(file);
    const recorded = createHash("sha256").update("good").digest("hex");
    forgeArchive(file, {
      entries: [entryOf(".", { type: "directory" }), entryOf("x", { size: 4, sha256: recorded })],
      contents: { x: "evil" },
      manifest: { id, instance: "instance", vault: manifest.vault, sequence: 1, previous: null },
    });
    const cat = await archive.run("cat", id, "memory/x");
    expect(cat.exitCode).toBe(4);
    expect(cat.stderr).toContain("memory/x");
    expect(failureOf(await archive.run("cat", id, "memory/x", "--json"), 4).code).toBe("BACKUP_DAMAGED");
    expect(failureOf(await archive.run("export", id, "--output", folder.join("out.tar.gz"), "--json"), 4).code).toBe("BACKUP_DAMAGED");
    expect(existsSync(folder.join("out.tar.gz"))).toBe(false);
  });
});

describe("a backup that somebody took away", () => {
  it.each([
    ["archive", "tar.gz"],
    ["plain folder", "directory"],
  ] as const)("is noticed by list, verify and status, the newest as well (%s)", async (_name, form) => {
    using folder = temporaryFolder();
    const own = instance(folder.path, form);
    const ids = await take(own, 3);
    const takeAway = (id = ""): void => rmSync(placeOf(form, own.vault, id), { recursive: true });
    for (const [id, missing] of [
      [ids[1], [2]],
      [ids[2], [2, 3]],
    ] as const) {
      takeAway(id);
      const list = documentOf<ListDocument>(await own.run("backup", "list", "--json"), 4);
      expect(list.missing).toEqual(missing);
      const verified = documentOf<VerifyDocument>(await own.run("verify", "--all", "--json"), 4);
      const status = documentOf<StatusDocument>(await own.run("status", "--json"), missing.length === 1 ? 0 : 4);
      for (const number of missing) {
        expect(verified.vault).toContain(`backup number ${number} is gone, and no removal record names it`);
        expect(status.problems).toContain(`backup number ${number} is gone, and no removal record names it`);
      }
      // An older one that is gone says nothing about the newest; the newest that is gone does.
      expect(status.safe).toBe(missing.length === 1);
    }
    expect(documentOf<BackupDocument>(await own.run("backup", "--json"), 0).status).toBe("complete");
    expect(documentOf<StatusDocument>(await own.run("status", "--json"), 0).safe).toBe(true);
  });
});

describe("a vault of another instance", () => {
  it("is refused by name by every command, until it is adopted with its owner named", async () => {
    using folder = temporaryFolder();
    const first = instance(folder.path, "tar.gz");
    const [id = ""] = await take(first, 1);
    const second = makeInstance(folder.path, "  memory: { path: memory }", { name: "successor" });
    for (const command of [
      ["backup"],
      ["backup", "list"],
      ["status"],
      ["verify"],
      ["ls", "latest"],
      ["restore", "latest", "--to", "out"],
    ]) {
      const failure = failureOf(await second.run(...command, "--json"), 1);
      expect(failure, command.join(" ")).toMatchObject({ code: "VAULT_FOREIGN", details: { owner: "instance" } });
      expect(failure.hint).toContain("holdfast vault adopt --from instance");
    }
    expect(failureOf(await second.run("vault", "adopt", "--from", "instance", "--json"), 2).code).toBe("CONFIRMATION_NEEDED");
    expect(failureOf(await second.run("vault", "adopt", "--from", "somebody", "--yes", "--json"), 1).code).toBe("VAULT_FOREIGN");
    const adopted = documentOf<{ instance: string; from: string }>(
      await second.run("vault", "adopt", "--from", "instance", "--yes", "--json"),
      0,
    );
    expect(adopted).toMatchObject({ instance: "successor", from: "instance" });
    expect(documentOf<BackupDocument>(await second.run("backup", "--json"), 0).status).toBe("complete");
    const list = documentOf<ListDocument>(await second.run("backup", "list", "--json"), 0);
    expect(list.backups.map(({ sequence }) => sequence)).toEqual([2, 1]);
    expect((await second.run("cat", id, "memory/first.md")).stdout).toBe("# first\n");
    const former = instance(folder.path, "tar.gz");
    expect(failureOf(await former.run("backup", "--json"), 1).code).toBe("VAULT_FOREIGN");
  });
});
