import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import ignore from "ignore";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { identityAt } from "../kernel/index.ts";
import { detect, type Detected, type Detection } from "./detect.ts";

const DATABASE = `SQLite format 3\0${"\0".repeat(84)}`;

function detected(folder: TemporaryFolder, files: Readonly<Record<string, string>>, avoid: readonly string[] = []): Detection {
  writeTree(folder.path, files);
  return detect(
    folder.path,
    avoid.flatMap((path) => identityAt(folder.join(path)) ?? []),
  );
}
const brief = ({ found }: Detection): string[] =>
  found.map(({ name, kind, path, suggested }) => `${suggested ? "? " : ""}${name}: ${kind} ${path}`);
const named = ({ found }: Detection, name: string): Detected | undefined => found.find((item) => item.name === name);

describe("detect()", () => {
  it("finds the state of an orchestrator, under the names of synthorg#449", () => {
    using folder = temporaryFolder();
    const detection = detected(folder, {
      "data/synthorg.db": DATABASE,
      "data/synthorg.db-wal": "x",
      "data/memory/notes/a.md": "# A",
      "data/memory/index.json": "{}",
      "data/checkpoints/0001.json": "{}",
      "company.yaml": "name: Acme",
      "orchestrator_config.json": "{}",
    });
    expect(brief(detection)).toEqual([
      "config: file company.yaml",
      "checkpoints: tree data/checkpoints",
      "memory: tree data/memory",
      "persistence: sqlite data/synthorg.db",
      "orchestrator-config: json orchestrator_config.json",
    ]);
    expect(named(detection, "memory")).toMatchObject({ bytes: 5, files: 2, exclude: [] });
    expect(named(detection, "persistence")).toMatchObject({ bytes: 101, files: 1, why: "SQLite database" });
    expect(detection.left).toEqual([]);
  });

  it("knows a database by its header, whatever its name, and a name alone makes none", () => {
    using folder = temporaryFolder();
    {
      using database = new DatabaseSync(folder.join("memory.bin"));
      database.exec("CREATE TABLE t (x)");
    }
    expect(brief(detected(folder, { "empty.db": "", "text.sqlite": "text", short: "SQLite" }))).toEqual(["persistence: sqlite memory.bin"]);
  });

  it("keeps the names of files when there is more than one database or configuration", () => {
    using folder = temporaryFolder();
    expect(brief(detected(folder, { "a.db": DATABASE, "b.sqlite3": DATABASE, "one.yaml": "x", "two.toml": "x" }))).toEqual([
      "a: sqlite a.db",
      "b: sqlite b.sqlite3",
      "one: file one.yaml",
      "two: file two.toml",
    ]);
  });

  it("gives every component a name of its own, that a configuration takes", () => {
    using folder = temporaryFolder();
    const detection = detected(folder, {
      "My State (old).db": DATABASE,
      "my-state-old.db": DATABASE,
      "日本/a": "x",
      "---/a": "x",
      "holdfast/a": "x",
      "Holdfast.d/a": "x",
      [`${"n".repeat(250)}/a`]: "x",
      ".env": "A=1",
    });
    const names = detection.found.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^(?=.{1,200}$)(?!holdfast$)[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it("looks for databases in folders, and backs up what lies beside one without it", () => {
    using folder = temporaryFolder();
    const detection = detected(folder, {
      "data/state.db": DATABASE,
      "data/state.db-wal": "w",
      "data/loose.txt": "12345",
      "data/more/deep/x.db": DATABASE,
      "data/more/y.txt": "y",
      "data/cache/z": "z",
    });
    expect(brief(detection)).toEqual(["more: tree data/more", "persistence: sqlite data/state.db", "data: tree data"]);
    const { exclude } = named(detection, "data") ?? { exclude: [] };
    const rules = ignore().add([...exclude]);
    expect(["state.db", "more/y.txt", "cache/z", "loose.txt", "new.txt", "deep/state.db"].filter((path) => !rules.ignores(path))).toEqual([
      "loose.txt",
      "new.txt",
      "deep/state.db",
    ]);
    expect(detection.left).toEqual([{ path: "data/cache/", why: "can be made again by the tool that made it" }]);
  });

  it("says what it leaves out, and why", () => {
    using folder = temporaryFolder();
    const detection = detected(folder, {
      "node_modules/x/index.js": "x",
      ".git/HEAD": "x",
      README: "text",
      "notes.txt": "text",
      "memory/a": "x",
      "package.json": "{}",
      "pnpm-lock.yaml": "x",
      "empty.json": "",
    });
    expect(brief(detection)).toEqual(["memory: tree memory"]);
    expect(detection.left.map(({ path }) => path).toSorted()).toEqual([
      ".git/",
      "README",
      "empty.json",
      "node_modules/",
      "notes.txt",
      "package.json",
      "pnpm-lock.yaml",
    ]);
    expect(detection.left.every(({ why }) => why.length > 0)).toBe(true);
  });

  it("only suggests what looks like a program, at the top", () => {
    using folder = temporaryFolder();
    expect(brief(detected(folder, { "src/a.ts": "x", "data/src/a.md": "x", "data/state.db": DATABASE }))).toEqual([
      "src: tree data/src",
      "persistence: sqlite data/state.db",
      "? src-2: tree src",
    ]);
  });

  it("leaves its own configuration, state folder and vault alone", () => {
    using folder = temporaryFolder();
    const files = { "holdfast.yaml": "name: x", ".holdfast/last-run.json": "{}", "backups/a.tar.gz": "x", "memory/a": "x" };
    const detection = detected(folder, files, [".holdfast", "backups"]);
    expect(brief(detection)).toEqual(["memory: tree memory"]);
    expect(detection.left).toEqual([]);
  });

  it("excludes a vault that lies beside a database from the tree around them", () => {
    using folder = temporaryFolder();
    const detection = detected(folder, { "data/state.db": DATABASE, "data/loose.txt": "x", "data/backups/a.tar.gz": "x" }, [
      "data/backups",
    ]);
    expect(named(detection, "data")?.exclude.toSorted()).toEqual(["/backups", "/state.db"]);
  });

  it("follows no link", () => {
    using folder = temporaryFolder();
    using elsewhere = temporaryFolder();
    writeTree(elsewhere.path, { "state.db": DATABASE, a: "x" });
    symlinkSync(elsewhere.path, folder.join("linked"));
    symlinkSync(elsewhere.join("state.db"), folder.join("linked.db"));
    symlinkSync(".", folder.join("round"));
    const detection = detected(folder, { "memory/a": "x" });
    expect(brief(detection)).toEqual(["memory: tree memory"]);
    expect(detection.left.map(({ path }) => path)).toEqual(["linked", "linked.db", "round"]);
  });

  it("finds nothing in an empty folder, and nothing but empty trees in empty folders", () => {
    using folder = temporaryFolder();
    expect(detected(folder, {})).toEqual({ found: [], left: [] });
    mkdirSync(folder.join("memory"));
    expect(detect(folder.path, []).found).toMatchObject([{ name: "memory", bytes: 0, files: 0 }]);
  });

  it("says what this account cannot read, and finds the rest", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "closed/a": "x",
      "closed.db": DATABASE,
      "closed.json": "{}",
      "memory/a": "x",
      "data/state.db": DATABASE,
      "data/closed/x": "x",
    });
    for (const path of [".", "memory", "data"]) chmodSync(folder.join(path), 0o755);
    for (const path of ["closed", "data/closed"]) chmodSync(folder.join(path), 0o700);
    for (const path of ["closed.db", "closed.json"]) chmodSync(folder.join(path), 0o600);
    const code = `import { detect } from ${JSON.stringify(new URL("./detect.ts", import.meta.url).href)}; console.log(JSON.stringify(detect(${JSON.stringify(folder.path)}, [])))`;
    const detection = (await asUser(65_534, [process.execPath, "--input-type=module", "-e", code])).json<Detection>();
    expect(brief(detection)).toEqual(["persistence: sqlite data/state.db", "memory: tree memory"]);
    expect(detection.left).toEqual(
      ["closed/", "closed.db", "closed.json", "data/closed/"].map((path) => ({ path, why: "cannot be read by this account" })),
    );
  });

  it("excludes a file by its very name, whatever characters it has, and nothing else", () => {
    const name = fc.stringMatching(/^[ab*?[\]!\\# {}()+.-]{1,8}$/).filter((text) => text !== "." && text !== "..");
    fc.assert(
      fc.property(name, name, (database, other) => {
        using folder = temporaryFolder();
        mkdirSync(folder.join("data"));
        writeFileSync(folder.join("data", `${other}x`), "loose");
        writeFileSync(folder.join("data", database), DATABASE);
        fc.pre(database !== `${other}x`);
        const tree = detect(folder.path, []).found.find(({ kind }) => kind === "tree");
        const rules = ignore({ ignorecase: false, allowRelativePaths: true }).add([...(tree?.exclude ?? [])]);
        expect([database, `${other}x`].map((path) => rules.ignores(path))).toEqual([true, false]);
      }),
      { numRuns: 200 },
    );
  });
});
