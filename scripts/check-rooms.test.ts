import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTree } from "../test/support/write-tree.ts";
import { checkRooms } from "./check-rooms.ts";
import { findCycles } from "./find-cycles.ts";
import { ROOMS, type Room } from "./rooms.ts";

const TABLE: readonly Room[] = [
  { floor: 0, name: "ground", purpose: "", mayImport: [] },
  { floor: 0, name: "wire", purpose: "", mayImport: [{ typesOf: "ground" }] },
  { floor: 1, name: "middle", purpose: "", mayImport: ["ground"] },
  { floor: 2, name: "testing", purpose: "", mayImport: ["middle"] },
  { floor: 3, name: "index.ts", purpose: "", mayImport: ["middle"] },
];
const DOOR = "/**\n * A room.\n */\n";
const GOOD = {
  "src/ground/index.ts": `${DOOR}export { one } from "./one.ts";\n`,
  "src/ground/one.ts": "export const one = 1;\n",
  "src/middle/index.ts": `${DOOR}export { two } from "./two.ts";\n`,
  "src/middle/two.ts": 'import { one } from "../ground/index.ts";\nexport const two: number = one + 1;\n',
  "src/index.ts": `${DOOR}export { two } from "./middle/index.ts";\n`,
};

function check(files: Readonly<Record<string, string>>): ReturnType<typeof checkRooms> {
  using folder = temporaryFolder();
  writeTree(folder.path, files);
  return checkRooms(folder.path, TABLE);
}

describe("checkRooms()", () => {
  it("passes a house in order and says how much it looked at", () => {
    expect(check(GOOD)).toEqual({ files: 5, imports: 4, problems: [], long: [] });
  });

  it("fails when it looked at nothing", () => {
    expect(check({ "README.md": "" }).problems).toEqual(["no source file was found", "no import was found"]);
    expect(check({ "src/ground/one.ts": "export const one = 1;\n" }).problems).toEqual(["no import was found"]);
  });

  const bad: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ["a file of no room", { "src/attic/box.ts": "" }, "src/attic/box.ts: belongs to no room"],
    ["a loose file of src", { "src/loose.ts": "" }, "src/loose.ts: belongs to no room"],
    [
      "an import up the table",
      { "src/ground/up.ts": 'import "../middle/index.ts";\n' },
      'src/ground/up.ts:1: room "ground" may not import room "middle"',
    ],
    [
      "an import past the door",
      { "src/middle/past.ts": '\nimport { one } from "../ground/one.ts";\n' },
      'src/middle/past.ts:2: imports "src/ground/one.ts" past the door',
    ],
    ["types past the door", { "src/middle/past.ts": 'import type { one } from "../ground/one.ts";\n' }, "past the door"],
    ["a dynamic import up the table", { "src/ground/up.ts": 'await import("../middle/index.ts");\n' }, 'may not import room "middle"'],
    [
      "values where only types are allowed",
      { "src/wire/a.ts": 'import { type one } from "../ground/index.ts";\n' },
      'may import only types of "ground"',
    ],
    [
      "a file that is not there",
      { "src/ground/gone.ts": 'import "./nowhere.ts";\n' },
      'imports "src/ground/nowhere.ts", which is not there',
    ],
    ["an import without extension", { "src/ground/bare.ts": 'import "./one";\n' }, "relative imports end in .ts"],
    ["an import from outside src", { "src/ground/out.ts": 'import "../../scripts/rooms.ts";\n' }, "lies outside src"],
    ["test support in a module", { "src/ground/out.ts": 'import "../../test/support/a.ts";\n' }, "lies outside src"],
    [
      "a test that goes up the table",
      { "src/ground/one.test.ts": 'import { two } from "../middle/index.ts";\n' },
      'may not import room "middle"',
    ],
    [
      "a cycle",
      { "src/ground/a.ts": 'import "./b.ts";\n', "src/ground/b.ts": 'export * from "./a.ts";\n' },
      "import cycle: src/ground/a.ts -> src/ground/b.ts -> src/ground/a.ts",
    ],
    ["a module that imports itself", { "src/ground/a.ts": 'import "./a.ts";\n' }, "import cycle: src/ground/a.ts -> src/ground/a.ts"],
    ["process.exit() outside the command line", { "src/ground/quit.ts": "process.exit(1);\n" }, "process.exit() is for src/cli"],
    ["a worker found by a source name", { "src/ground/start.ts": 'new Worker(new URL("./one.ts", import.meta.url));\n' }, "entryPoint()"],
    ["a door without a comment", { "src/wire/index.ts": "export const a = 1;\n" }, "src/wire/index.ts: a door opens with"],
    ["a name that says nothing", { "src/ground/utils.ts": "" }, 'the name "utils.ts" says nothing'],
    ["a folder name that says nothing", { "src/ground/helpers/one.ts": "" }, 'the name "helpers" says nothing'],
    ["a test named after nothing", { "src/ground/types.test.ts": "" }, 'the name "types.test.ts" says nothing'],
    ["a file over 500 lines", { "src/ground/long.ts": "//\n".repeat(501) }, "src/ground/long.ts: has 501 lines"],
  ];
  it.each(bad)("refuses %s", (_, files, problem) => {
    const { problems } = check({ ...GOOD, ...files });
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it("allows types where only types are allowed, and cycles of types", () => {
    const files = {
      "src/wire/a.ts": 'import type { one } from "../ground/index.ts";\nimport type { B } from "./b.ts";\n',
      "src/wire/b.ts": 'import type { A } from "./a.ts";\n',
    };
    expect(check({ ...GOOD, ...files }).problems).toEqual([]);
  });

  it("lets tests use test/support, the contract suites, and the types of any room", () => {
    const files = {
      "test/support/a.ts": "",
      "src/testing/index.ts": `${DOOR}import "../middle/index.ts";\n`,
      "src/middle/two.test.ts":
        'import "../../test/support/a.ts";\nimport "../testing/index.ts";\nimport type { A } from "../wire/index.ts";\n',
      "src/wire/index.ts": `${DOOR}export type A = 1;\n`,
    };
    expect(check({ ...GOOD, ...files }).problems).toEqual([]);
  });

  it("lets the command line end the process", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { ...GOOD, "src/cli/quit.ts": "process.exit(1);\n" });
    expect(checkRooms(folder.path, [...TABLE, { floor: 4, name: "cli", purpose: "", mayImport: [] }]).problems).toEqual([]);
  });

  it("ignores what comments and strings say", () => {
    const files = { "src/ground/told.ts": '// process.exit(1)\n/* import "../middle/index.ts" */\nexport const a = "process.exit(1)";\n' };
    expect(check({ ...GOOD, ...files }).problems).toEqual([]);
  });

  it("lists files over 300 lines without failing", () => {
    const { problems, long } = check({ ...GOOD, "src/ground/long.ts": "//\n".repeat(301) });
    expect({ problems, long }).toEqual({ problems: [], long: ["src/ground/long.ts (301 lines)"] });
  });
});

describe("ROOMS", () => {
  it("names each room once, lets none import a higher floor, and has no cycle", () => {
    const floors = new Map(ROOMS.map((room) => [room.name, room.floor]));
    expect(floors.size).toBe(ROOMS.length);
    const edges = new Map<string, string[]>();
    for (const room of ROOMS) {
      const names = room.mayImport.map((allowed) => (typeof allowed === "string" ? allowed : allowed.typesOf));
      for (const name of names) expect(floors.get(name), `${room.name} imports ${name}`).toBeLessThanOrEqual(room.floor);
      edges.set(room.name, names);
    }
    expect(findCycles(edges)).toEqual([]);
  });
});
