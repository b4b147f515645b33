import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { makeDatabase } from "../../test/support/source-database.ts";
import { readBack, testPlace, type TestPlace } from "../../test/support/source-place.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { identityAt } from "../kernel/index.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { survey } from "./survey.ts";
import { surveyTree, type TreeFind } from "./survey-tree.ts";

type Rules = Partial<Pick<ReadingRequest, "exclude" | "include" | "excludeLarger" | "excludeCaches" | "oneFileSystem" | "avoid">>;

async function look(root: string, rules: Rules = {}): Promise<TreeFind[]> {
  const none = { exclude: [], include: [], excludeCaches: true, oneFileSystem: false, avoid: [] };
  return await Array.fromAsync(surveyTree({ root, ...none, ...rules }));
}

/** Each find as one line. */
function lines(finds: readonly TreeFind[]): string[] {
  return finds.map(({ path, verdict, type, reason }) =>
    [verdict === "captured" ? "+" : "-", path, type, ...(reason ? [`(${reason})`] : [])].join(" "),
  );
}

const BY_RULE = "(Its rules leave it out)";
const LEFT_OF_RESTORE = "(Is left of a restore)";

describe("surveyTree()", () => {
  it("gives what is captured in the order of a walk and what is left out once, without entering it", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "a/b.md": "b", "a/skip/deep/x": "x", "skip/y": "y", "z.tmp": "z" });
    symlinkSync("a", folder.join("link"));
    execFileSync("mkfifo", [folder.join("fifo")]);
    expect(lines(await look(folder.path, { exclude: ["skip", "*.tmp"] }))).toEqual([
      "+ . directory",
      "+ a directory",
      "+ a/b.md file",
      `- a/skip directory ${BY_RULE}`,
      "+ link symlink",
      "- fifo other (Is a FIFO, which has no content to keep)",
      `- skip directory ${BY_RULE}`,
      `- z.tmp file ${BY_RULE}`,
    ]);
  });

  it("counts the sidecars of a database as captured, whatever patterns say of them, and those of an excluded one as left out", async () => {
    using folder = temporaryFolder();
    for (const name of ["kept.db", "gone.db"]) {
      makeDatabase(folder.join(name), "wal");
      for (const suffix of ["-wal", "-shm"]) writeFileSync(folder.join(`${name}${suffix}`), "log");
    }
    expect(lines(await look(folder.path, { exclude: ["gone.db", "*-shm"] }))).toEqual([
      "+ . directory",
      "+ kept.db database",
      `- gone.db file ${BY_RULE}`,
      `- gone.db-shm file ${BY_RULE}`,
      `- gone.db-wal file ${BY_RULE}`,
      "+ kept.db-shm sidecar",
      "+ kept.db-wal sidecar",
    ]);
  });

  it("gives each name once when it only looks like a sidecar", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { notes: "text", "notes-journal": "text", "torn.db": "", "torn.db-wal": "log" });
    makeDatabase(folder.join("odd.db"), "delete");
    mkdirSync(folder.join("odd.db-wal"));
    symlinkSync("odd.db", folder.join("odd.db-shm"));
    mkdirSync(folder.join("odd.db-journal"));
    const finds = await look(folder.path, { exclude: ["*.db-journal"] });
    expect(lines(finds).toSorted()).toEqual([
      "+ . directory",
      "+ notes file",
      "+ notes-journal file",
      "+ odd.db database",
      "+ odd.db-shm symlink",
      "+ odd.db-wal directory",
      "+ torn.db file",
      "+ torn.db-wal file",
      `- odd.db-journal directory ${BY_RULE}`,
    ]);
  });

  it("names what is avoided, too large, in a cache folder, or on another file system", async (test) => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "vault/x": "x",
      big: "x".repeat(101),
      "cache/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n",
      "cache/blob": "x",
    });
    mkdirSync(folder.join("mount"));
    using disk = mountTmpfs(100_000, test);
    execFileSync("mount", ["--bind", disk.path, folder.join("mount")]);
    try {
      writeFileSync(folder.join("mount", "far"), "x");
      const vault = identityAt(folder.join("vault"));
      if (vault === undefined) throw new Error("no vault");
      const finds = await look(folder.path, { avoid: [vault], excludeLarger: 100, oneFileSystem: true });
      expect(lines(finds)).toEqual([
        "+ . directory",
        "+ cache directory",
        "+ cache/CACHEDIR.TAG file",
        "- cache/blob file (Is a cache folder (CACHEDIR.TAG): the folder and its tag are kept, its content is not)",
        "+ mount directory",
        "- mount/far file (Lies on another file system: the folder is kept, its content is not)",
        "- big file (Is larger than exclude_larger allows: 101 bytes)",
        "- vault directory (Belongs to Holdfast itself)",
      ]);
    } finally {
      execFileSync("umount", [folder.join("mount")]);
    }
  });

  it("names a file whose name is not UTF-8 as left out, under the name that a listing as text gives it", async () => {
    using folder = temporaryFolder();
    writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/caf`), Buffer.from([0xe9])]), "x");
    expect(lines(await look(folder.path))).toEqual(["+ . directory", "- caf\uFFFD file (Has a name that is not UTF-8: caf\\xe9)"]);
    expect(readdirSync(folder.path)).toEqual(["caf\uFFFD"]);
  });

  it("refuses a folder that it cannot list: what it holds is not known", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "open/a": "a", "closed/b": "b" });
    chmodSync(folder.path, 0o755);
    chmodSync(folder.join("closed"), 0o700);
    const module = JSON.stringify(new URL("survey-tree.ts", import.meta.url).href);
    const request = JSON.stringify({ root: folder.path, exclude: [], include: [], excludeCaches: true, oneFileSystem: false, avoid: [] });
    const code = `import { surveyTree } from ${module};
      try { for await (const _ of surveyTree(${request})); } catch (error) { console.log(error.code, error.message) }`;
    const { stdout } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
    expect(stdout).toBe(
      `COMPONENT_UNREADABLE The folder "${folder.join("closed")}" cannot be listed, and what it holds is not known: EACCES\n`,
    );
  });

  it("gives nothing for a root that is not there", async () => {
    using folder = temporaryFolder();
    expect(await look(folder.join("none"))).toEqual([]);
  });
});

describe("what a restore leaves beside its targets", () => {
  /** Names that are a restore's, and names that only look like it. */
  function lay(place: TestPlace): void {
    writeTree(place.state, {
      ".holdfast-new-1/a": "a",
      ".holdfast-old-1/a": "a",
      ".holdfast-undone-1/a": "a",
      ".holdfast-unfinished-restore/a": "a",
      "RESTORE-IN-PROGRESS.holdfast": "{}",
      "deep/er/.holdfast-old-2/a": "a",
      "deep/er/RESTORE-IN-PROGRESS.holdfast": "{}",
      "deep/RESTORE-IN-PROGRESS.holdfast/a": "a folder of the user's",
      "deep/.holdfast-old-file": "a file of the user's",
      "deep/.holdfast-older/a": "another name",
      "deep/x.holdfast-old-1/a": "another name",
    });
  }
  const MINE = ["deep/.holdfast-old-file", "deep/.holdfast-older/a", "deep/RESTORE-IN-PROGRESS.holdfast/a", "deep/x.holdfast-old-1/a"];
  const LEFT = [
    ".holdfast-new-1",
    ".holdfast-old-1",
    ".holdfast-undone-1",
    ".holdfast-unfinished-restore",
    "RESTORE-IN-PROGRESS.holdfast",
    "deep/er/.holdfast-old-2",
    "deep/er/RESTORE-IN-PROGRESS.holdfast",
  ];

  it.each([
    ["no patterns", {}],
    ["patterns that ask for all of it", { include: ["**", ".holdfast-*", "RESTORE-IN-PROGRESS.holdfast"] }],
    ["patterns that take their exclusion back", { exclude: [".holdfast-*", "!.holdfast-*"] }],
    ["a pause", { cut: true }],
    ["a salvage", { raw: "inside" }],
  ] as const)("openReading() leaves it out with %s, wherever it lies, and says so", async (_with, request) => {
    using place = testPlace();
    lay(place);
    const { entries, report } = await readBack(place.request(request));
    expect(entries.flatMap(({ head }) => (head.type === "file" ? [head.path] : []))).toEqual(MINE);
    expect(report.omissions).toEqual(LEFT.map((path) => ({ path, reason: "Is left of a restore", harmless: true })));
  });

  it("survey() and surveyTree() leave it out as well", async () => {
    using place = testPlace();
    lay(place);
    const surveyed = survey(place.request());
    expect((await Array.fromAsync(surveyed.files())).map(({ path }) => path)).toEqual(MINE);
    expect(surveyed.report().omissions.map(({ path }) => path)).toEqual(LEFT);
    const left = (await look(place.state)).filter(({ verdict }) => verdict === "left-out");
    expect(lines(left).toSorted()).toEqual(
      LEFT.map((path) => `- ${path} ${path.endsWith("holdfast") ? "file" : "directory"} ${LEFT_OF_RESTORE}`).toSorted(),
    );
  });
});

const NAMES = ["a", "b.tmp", "c.db", "c.db-wal", "d", "skip", ".holdfast-old-1", "RESTORE-IN-PROGRESS.holdfast", "caf\xe9", "link"];
const PATTERNS = ["skip", "*.tmp", "/a", "a/", "d/*", "!b.tmp", "**/d", "*.db", "*-wal", "a/**/c.db"];
type Sort = "file" | "database" | "folder" | "symlink" | "hard link" | "fifo" | "cache" | "foreign";

const forest = fc.array(
  fc.record({
    path: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }),
    sort: fc.constantFrom<Sort>("file", "file", "file", "database", "folder", "symlink", "hard link", "fifo", "cache", "foreign"),
    size: fc.nat(200),
  }),
  { maxLength: 25 },
);
const rules = fc.record({
  exclude: fc.uniqueArray(fc.constantFrom(...PATTERNS), { maxLength: 3 }),
  include: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...PATTERNS), { maxLength: 3 }) },
  ),
  excludeLarger: fc.option(fc.constantFrom(50, 150), { nil: undefined }),
  excludeCaches: fc.boolean(),
});

/** Lays what can be laid: a place that is taken already keeps what it has. */
function plant(
  root: string,
  plants: readonly { readonly path: readonly string[]; readonly sort: Sort; readonly size: number }[],
  database: string,
): void {
  let file: string | undefined;
  for (const { path, sort, size } of plants) {
    const at = join(root, ...path);
    try {
      mkdirSync(join(at, ".."), { recursive: true });
      if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) continue;
      if (sort === "folder") mkdirSync(at);
      else if (sort === "cache") writeTree(at, { "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n", blob: "x" });
      else if (sort === "symlink") symlinkSync("nowhere", at);
      else if (sort === "fifo") execFileSync("mkfifo", [at]);
      else if (sort === "database") execFileSync("cp", [database, at]);
      else if (sort === "foreign") writeFileSync(Buffer.concat([Buffer.from(`${at}-`), Buffer.from([0xe9])]), "x");
      else if (sort === "hard link" && file !== undefined) linkSync(file, at);
      else writeFileSync((file = at), "x".repeat(size));
    } catch (error) {
      // A file or a link lies where a folder would have to.
      if (!["ENOTDIR", "EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

/** Every name below a folder, as a listing as text gives it. */
function everything(root: string, inside = ""): string[] {
  return readdirSync(join(root, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
    return entry.isDirectory() ? [path, ...everything(root, path)] : [path];
  });
}

describe("surveyTree() of random trees with random rules", () => {
  it("captures the entries of openReading(), and with what it leaves out and what lies below that names everything on disk once", async () => {
    using template = temporaryFolder();
    makeDatabase(template.join("t.db"), "delete", 1);
    let captures = 0;
    let omissions = 0;
    await fc.assert(
      fc.asyncProperty(forest, rules, async (plants, rule) => {
        using place = testPlace();
        plant(place.state, plants, template.join("t.db"));
        const finds = await look(place.state, rule);
        const paths = finds.map(({ path }) => path);
        expect(new Set(paths).size).toBe(paths.length);

        const onDisk = everything(place.state);
        // A salvage reads what looks damaged to the rules about databases, as a survey does.
        const entries = await readBack(place.request({ ...rule, raw: "inside" }));
        const kept = finds.filter(({ verdict, type }) => verdict === "captured" && type !== "sidecar").map(({ path }) => path);
        expect(kept).toEqual(entries.paths);

        const seen = new Set<string>();
        for (const { path, verdict, type } of finds) {
          seen.add(path);
          if (verdict === "left-out" && type === "directory") for (const below of onDisk) if (below.startsWith(`${path}/`)) seen.add(below);
        }
        expect([...seen].toSorted()).toEqual([".", ...onDisk].toSorted());
        captures += kept.length;
        omissions += finds.length - kept.length;
        rmSync(place.state, { recursive: true });
      }),
      { numRuns: 150 },
    );
    expect(captures).toBeGreaterThan(150);
    expect(omissions).toBeGreaterThan(50);
  });
});
