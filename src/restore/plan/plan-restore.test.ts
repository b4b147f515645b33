import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asUser } from "../../../test/support/as-user.ts";
import { createBank } from "../../../test/support/bank.ts";
import { fakeReader, type FakeEntry } from "../../../test/support/fake-reader.ts";
import { mountAt } from "../../../test/support/mount.ts";
import { temporaryFolder, type TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { writeTree } from "../../../test/support/write-tree.ts";
import { planRestore, type PlanRequest } from "./plan-restore.ts";
import type { RestorePlan, RestoreTarget } from "./restore-plan.ts";

const RULES = { exclude: [], include: [], excludeLarger: undefined, excludeCaches: false, oneFileSystem: false };

function target(component: string, path: string, rest: Partial<RestoreTarget> = {}): RestoreTarget {
  return { component, source: "tree", salvaged: null, path, recorded: null, rules: RULES, command: null, ...rest };
}

async function plan(
  targets: readonly RestoreTarget[],
  entries: readonly (readonly [string, FakeEntry?])[],
  rest: Partial<PlanRequest> = {},
): Promise<RestorePlan> {
  const components = Object.fromEntries(targets.map(({ component, source }) => [component, { source }]));
  return await planRestore({
    reader: fakeReader(components, entries),
    targets,
    places: new Map(targets.flatMap(({ component, path }) => (path === null ? [] : [[component, path] as const]))),
    avoid: [],
    online: false,
    inPlace: false,
    force: false,
    ...rest,
  });
}

/** Moves as short texts: what happens to which name. */
function told(made: RestorePlan, folder: string): string[] {
  return made.components.flatMap(({ moves }) =>
    moves.map(({ live, takesAway, entry, how }) => {
      const what = how === "content" ? "over" : entry === null ? "away" : takesAway ? "swap" : "put";
      return `${what} ${live.slice(folder.length + 1)}`;
    }),
  );
}

describe("planRestore() of a tree", () => {
  it("is one rename when everything that is there is the component's own", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "memory/a.md": "a", "memory/deep/b.md": "b" });
    const made = await plan([target("memory", folder.join("memory"))], [["memory"], ["memory/a.md", { content: "A" }]]);
    expect(told(made, folder.path)).toEqual(["swap memory"]);
    expect(made.refusals).toEqual([]);
  });

  it("enters a folder that holds something excluded, leaves that alone, and says so", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "memory/a.md": "a",
      "memory/gone.md": "since",
      "memory/app/index.js": "i",
      "memory/app/node_modules/big/index.js": "big",
      "memory/whole/x": "x",
    });
    const made = await plan(
      [target("memory", folder.join("memory"), { rules: { ...RULES, exclude: ["node_modules"] } })],
      [
        ["memory"],
        ["memory/a.md", { content: "A" }],
        ["memory/app"],
        ["memory/app/index.js", { content: "I" }],
        ["memory/app/new.js", { content: "n" }],
        ["memory/whole"],
        ["memory/whole/x", { content: "X" }],
      ],
    );
    expect(told(made, folder.path)).toEqual([
      "swap memory/a.md",
      "swap memory/app/index.js",
      "put memory/app/new.js",
      "away memory/gone.md",
      "swap memory/whole",
    ]);
    expect(made.components[0]?.untouched).toEqual([{ path: "app/node_modules", reason: expect.any(String) }]);
    expect(made.components[0]?.folders.map(({ live }) => live)).toEqual([folder.join("memory"), folder.join("memory", "app")]);
  });

  it("leaves alone what belongs to another component, also when the backup of this one carries it", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "data/a": "a", "data/nested/b": "b" });
    const places = new Map([
      ["data", folder.join("data")],
      ["nested", folder.join("data", "nested")],
    ]);
    const made = await plan(
      [target("data", folder.join("data"))],
      [["data"], ["data/a", { content: "A" }], ["data/nested"], ["data/nested/b", { content: "B" }]],
      { places },
    );
    expect(told(made, folder.path)).toEqual(["swap data/a"]);
    expect(made.components[0]?.untouched).toEqual([{ path: "nested", reason: 'Belongs to component "nested"' }]);
  });

  it("puts a tree in place that is not there, above folders that are not there either", async () => {
    using folder = temporaryFolder();
    const made = await plan([target("memory", folder.join("not", "there", "memory"))], [["memory"], ["memory/a", { content: "A" }]]);
    expect(told(made, folder.path)).toEqual(["put not/there/memory"]);
    expect(made.components[0]?.moves[0]?.beside).toBe(folder.path);
  });

  it("refuses to put a file where the rules leave something alone, and --force moves that aside", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "memory/a": "a", "memory/index.db": "excluded today" });
    const targets = [target("memory", folder.join("memory"), { rules: { ...RULES, exclude: ["index.db"] } })];
    const entries = [["memory"], ["memory/a", { content: "A" }], ["memory/index.db", { content: "carried" }]] as const;
    const refused = await plan(targets, entries);
    expect(refused.refusals).toMatchObject([{ component: "memory", overridable: true, reason: expect.stringContaining("index.db") }]);
    expect(told(refused, folder.path)).toEqual(["swap memory/a"]);
    expect(told(await plan(targets, entries, { force: true }), folder.path)).toEqual(["swap memory/a", "swap memory/index.db"]);
  });

  it("enters a tree whose parent this account may not write to", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "memory/a": "a" });
    chmodSync(folder.path, 0o755);
    chmodSync(folder.join("memory"), 0o777);
    const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const code = `import { planRestore } from ${module("./plan-restore.ts")}; import { fakeReader } from ${module("../../../test/support/fake-reader.ts")};
      const targets = [${JSON.stringify(target("memory", folder.join("memory")))}];
      const made = await planRestore({ reader: fakeReader({ memory: { source: "tree" } }, [["memory"], ["memory/a", { content: "A" }]]), targets, places: new Map(), avoid: [], online: false, inPlace: false, force: false });
      console.log(JSON.stringify(made.components[0].moves.map(({ live, beside }) => [live, beside])))`;
    const { stdout, stderr } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
    expect(JSON.parse(stdout || `"${stderr}"`)).toEqual([[folder.join("memory", "a"), folder.join("memory")]]);
  });

  it("renames inside a mount point, never the mount point itself", async (context) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "elsewhere/b": "b", "memory/a": "a", "memory/mounted/keep": "" });
    using _ = mountAt(folder.join("memory", "mounted"), ["--bind", folder.join("elsewhere")], context);
    const made = await plan(
      [target("memory", folder.join("memory"))],
      [["memory"], ["memory/a", { content: "A" }], ["memory/mounted"], ["memory/mounted/c", { content: "C" }]],
    );
    expect(told(made, folder.path)).toEqual(["swap memory/a", "away memory/mounted/b", "put memory/mounted/c"]);
    expect(made.components[0]?.moves.map(({ beside }) => beside)).toEqual([
      folder.path,
      folder.join("memory", "mounted"),
      folder.join("memory", "mounted"),
    ]);
  });
});

describe("planRestore() of one file", () => {
  it("takes a database and its sidecars as one set", async () => {
    using folder = temporaryFolder();
    createBank(folder.join("state.db")).close();
    writeFileSync(folder.join("state.db-wal"), "a log that is not the new one's");
    writeFileSync(folder.join("state.db-journal"), "");
    const made = await plan(
      [target("db", folder.join("state.db"), { source: "sqlite" })],
      [["db/state.db", { content: "x", database: true }]],
    );
    expect(told(made, folder.path)).toEqual(["swap state.db", "away state.db-wal", "away state.db-journal"]);
  });

  it("follows a link to where the file really is", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "real/state.json": "{}" });
    symlinkSync(folder.join("real", "state.json"), folder.join("state.json"));
    const made = await plan([target("state", folder.join("state.json"), { source: "json" })], [["state/state.json", { content: "{}" }]]);
    expect(told(made, folder.path)).toEqual(["swap real/state.json"]);
  });

  it("warns of other names of the file, which keep the old content", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("state.json"), "{}");
    linkSync(folder.join("state.json"), folder.join("alias.json"));
    const made = await plan([target("state", folder.join("state.json"), { source: "json" })], [["state/state.json", { content: "{}" }]]);
    expect(made.warnings).toEqual([expect.stringContaining("hard links")]);
  });

  it("refuses a file that is a mount point, and writes over it with --in-place", async (context) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "host.json": "{}", "state.json": "" });
    using _ = mountAt(folder.join("state.json"), ["--bind", folder.join("host.json")], context);
    const targets = [target("state", folder.join("state.json"), { source: "json" })];
    const entries = [["state/state.json", { content: "{}" }]] as const;
    expect((await plan(targets, entries)).refusals).toMatchObject([{ hint: expect.stringContaining("--in-place"), overridable: false }]);
    const made = await plan(targets, entries, { inPlace: true });
    expect(made.refusals).toEqual([]);
    expect(told(made, folder.path)).toEqual(["over state.json"]);
  });

  it("refuses a folder in the place of a file", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("state.json"));
    const made = await plan([target("state", folder.join("state.json"), { source: "json" })], [["state/state.json", { content: "{}" }]]);
    expect(made.refusals).toMatchObject([{ overridable: false }]);
  });
});

describe("planRestore() of chosen paths", () => {
  it("puts what was chosen in place, makes the folders that lead there, and takes nothing away", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "memory/a": "a", "memory/b": "b" });
    const chosen = ["a", "lost/deep/c"];
    const made = await plan(
      [target("memory", folder.join("memory"))],
      [
        ["memory"],
        ["memory/a", { content: "A" }],
        ["memory/lost"],
        ["memory/lost/deep"],
        ["memory/lost/deep/c", { content: "C" }],
        ["memory/lost/deep/d", { content: "D" }],
      ],
      { select: ({ path }) => chosen.includes(path) },
    );
    expect(told(made, folder.path)).toEqual(["swap memory/a", "put memory/lost"]);
  });
});

/** A random tree: names from a small set, so that both sides meet; some names are excluded. */
type Node = string | { readonly [name: string]: Node };
const node: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom("x", "y", "z"),
    fc.dictionary(fc.constantFrom("a", "b", "skip", "c"), tie("node"), { maxKeys: 4 }),
  ),
})).node;
const tree = fc.dictionary(fc.constantFrom("a", "b", "skip", "c"), node, { maxKeys: 4 });

function lay(folder: string, what: Node): void {
  if (typeof what === "string") writeFileSync(folder, what);
  else {
    mkdirSync(folder);
    for (const [name, inner] of Object.entries(what)) lay(join(folder, name), inner);
  }
}

function entriesOf(path: string, what: Node): [string, FakeEntry?][] {
  if (typeof what === "string") return [[path, { content: what }]];
  const names = Object.keys(what).filter((name) => name !== "skip");
  return [[path], ...names.toSorted().flatMap((name) => entriesOf(`${path}/${name}`, what[name] ?? "x"))];
}

describe("planRestore() of random trees", () => {
  it("moves nothing that the rules leave out, and every captured name once", async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, async (live, carried) => {
        using folder = temporaryFolder();
        lay(folder.join("memory"), live);
        const made = await plan(
          [target("memory", folder.join("memory"), { rules: { ...RULES, exclude: ["skip"] } })],
          entriesOf("memory", carried),
          { force: true },
        );
        const moves = made.components[0]?.moves ?? [];
        for (const { live: moved } of moves) {
          expect(holdsSkipped(moved)).toBe(false);
          expect(basename(moved)).not.toBe("skip");
        }
        // No move lies inside another one.
        for (const one of moves) for (const other of moves) expect(other !== one && other.live.startsWith(`${one.live}/`)).toBe(false);
        // A folder that has to stay, and the backup carries a file of its name: there is no plan, and that is said.
        if (made.refusals.some(({ overridable }) => !overridable)) return;
        expect(
          uncovered(
            folder,
            moves.map(({ live: path }) => path),
          ),
        ).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

function holdsSkipped(path: string): boolean {
  if (!existsSync(path) || !statSync(path).isDirectory()) return false;
  return readdirSync(path, { recursive: true }).some((name) => basename(String(name)) === "skip");
}

/** Files of the component that no move takes away or replaces. */
function uncovered(folder: TemporaryFolder, moved: readonly string[]): string[] {
  const root = folder.join("memory");
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.slice(root.length).split("/").includes("skip"))
    .filter((path) => !moved.some((one) => path === one || path.startsWith(`${one}/`)))
    .map((path) => `${readFileSync(path, "utf8")} ${dirname(path)}`);
}
