import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { restoreTo } from "../../src/restore/index.ts";
import { storedPath } from "../../src/vault/index.ts";
import { FORGED_ID, forgeRepository, type ForgedEntry } from "../support/forge-repository.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { recordTree, timeDifferences, type TreeFacts } from "../support/record-tree.ts";
import { CORPUS, shapesIn } from "../support/repository-corpus.ts";
import { RESCUE, rescue } from "../support/rescue.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SHAPES: Readonly<Record<keyof typeof CORPUS, readonly string[]>> = {
  files: ["file", "directory", "symlink", "hard link", "sparse", "none", "place", "chunks"],
  database: ["pages", "blocks", "layers", "no layers"],
  components: ["file", "directory", "place"],
  keys: ["file", "place", "chunks"],
};

/** Times of what no entry describes are those of the restore. */
function timesOf(facts: TreeFacts, places: ReadonlySet<string>): TreeFacts {
  return { ...facts, times: Object.fromEntries(Object.entries(facts.times).filter(([path]) => places.has(path))) };
}

describe("tools/rescue.mjs", () => {
  it.for(Object.keys(CORPUS))("restores every backup of the vault %s as restoreTo() does", async (name, context) => {
    // In memory: flushing a disk to which everything else here writes takes most of the time.
    using folder = mountTmpfs(512 * 1024 * 1024, context);
    const corpus = await CORPUS[name]!(folder.path);
    expect([...shapesIn(corpus)]).toEqual(expect.arrayContaining([...SHAPES[name]!]));
    for (const { secret, argv, ids } of corpus.openings) {
      await using vault = await corpus.open(secret);
      for (const id of ids) {
        const [theirs, ours] = [join(folder.path, "theirs"), join(folder.path, "ours")];
        await using reader = await vault.open(id);
        const { component_details: details } = reader.head.manifest;
        const places = new Set<string>();
        for await (const { component, path } of reader.entries())
          places.add(storedPath(details[component]!.stored_as, details[component]!.source, path));
        await restoreTo({ reader, folder: theirs, owner: "recorded" });
        expect(await rescue(corpus.path, ...argv, "restore", id, ours, "--owner")).toMatchObject({ stderr: "", exitCode: 0 });
        const [expected, found] = [recordTree(theirs), recordTree(ours)];
        expect(found.records).toEqual(expected.records);
        expect([...places].filter((place) => found.times[place] === undefined)).toEqual([]);
        expect(timeDifferences(timesOf(expected, places), found)).toEqual([]);
        expect(found.occupied).toEqual(expected.occupied);
        for (const made of [theirs, ours]) rmSync(made, { recursive: true });
      }
    }
    const [{ argv } = { argv: [] }] = corpus.openings;
    const checked = await rescue(corpus.path, ...argv, "check");
    expect(checked).toMatchObject({ stderr: "", exitCode: 0 });
    expect(checked.stdout).toMatch(new RegExp(`^${corpus.ids.length} backups, [1-9].*: everything reads back\n$`));
    const listed = await rescue(corpus.path, ...argv, "list");
    expect(listed.stdout.split("\n").map((line) => line.split(" ")[0])).toEqual([...corpus.ids.toReversed(), ""]);
  });
});

describe("tools/rescue.mjs of a hostile vault", () => {
  const out = { type: "symlink", target: "..", path: "out" } as const;

  it.for<readonly [string, readonly ForgedEntry[], string?]>([
    ["an absolute path", [{ path: "/tmp/holdfast-evil", text: "evil" }]],
    ["a path that climbs", [{ path: "../evil", text: "evil" }]],
    ["a path that climbs in its middle", [{ path: "a/../../evil", text: "evil" }]],
    ["an empty name", [{ path: "a//evil", text: "evil" }]],
    ["a NUL", [{ path: "evil\0.md", text: "evil" }]],
    ["a name below a link", [out, { path: "out/evil", text: "evil" }]],
    ["a link where a folder is implied", [{ path: "out/evil", text: "evil" }, out]],
    [
      "a name twice",
      [
        { path: "evil", text: "evil" },
        { path: "evil", text: "other" },
      ],
    ],
    [
      "a name below a file",
      [
        { path: "evil", text: "evil" },
        { path: "evil/er", text: "other" },
      ],
    ],
    ["another name of something outside", [{ path: "evil", hard_link: "../../passwd" }]],
    ["another name of a link", [out, { path: "evil", hard_link: "out" }]],
    ["another name of itself", [{ path: "evil", hard_link: "evil" }]],
    ["a component that lies outside", [{ path: "evil", text: "evil" }], "../evil"],
    ["a component with an absolute place", [{ path: "evil", text: "evil" }], "/tmp/holdfast-evil"],
  ])("refuses %s before anything is written", async ([, entries, storedAs]) => {
    using folder = temporaryFolder();
    forgeRepository(folder.join("vault"), entries, storedAs === undefined ? {} : { storedAs });
    const result = await rescue(folder.join("vault"), "restore", FORGED_ID, folder.join("to"));
    expect(result).toMatchObject({ stdout: "", exitCode: 4, stderr: expect.stringMatching(/^rescue: [^\n]+\n$/) });
    expect(readdirSync(folder.path)).toEqual(["vault"]);
    expect(existsSync("/tmp/holdfast-evil")).toBe(false);
  });

  it("leaves no content that is not the recorded one, sealed as it may be", async () => {
    using folder = temporaryFolder();
    const sha256 = "0".repeat(64);
    forgeRepository(folder.join("vault"), [
      { path: "fine", text: "fine" },
      { path: "wrong", text: "wrong", sha256 },
    ]);
    const [whole, partial] = [folder.join("whole"), folder.join("partial")];
    expect(await rescue(folder.join("vault"), "restore", FORGED_ID, whole)).toMatchObject({ exitCode: 4 });
    expect(readdirSync(whole, { recursive: true, encoding: "utf8" }).map((path) => path.split("/").at(-1))).not.toContain("wrong");
    expect(await rescue(folder.join("vault"), "restore", FORGED_ID, partial, "--partial")).toMatchObject({ exitCode: 4 });
    expect(readdirSync(folder.join("partial", "memory"))).toEqual(["fine"]);
    expect((await rescue(folder.join("vault"), "check")).stderr).toMatch(/"memory\/wrong": its content is not the one that was recorded/);
  });

  it("restores a forged vault that holds nothing worse, with an index above its runs", () => {
    using folder = temporaryFolder();
    forgeRepository(folder.join("vault"), [{ path: "fine", text: "fine", mode: 0o6755 }, out, { path: "same", hard_link: "fine" }], {
      indexed: true,
    });
    execFileSync(process.execPath, [RESCUE, folder.join("vault"), "restore", "latest", folder.join("to")]);
    expect(readFileSync(folder.join("to/memory/same"), "utf8")).toBe("fine");
    expect(statSync(folder.join("to/memory/fine")).mode & 0o7777).toBe(0o755);
  });
});
