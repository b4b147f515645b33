import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configReference } from "./reference.ts";
import { LEAST, testPlace } from "./test-place.ts";

const component = (text: string): string => `components:\n  state: ${text}\nbackup:\n  path: /vault\n`;
const backup = (text: string): string => `components:\n  state: { path: data }\nbackup:\n  path: /vault\n  ${text}\n`;

/** What it is, the text, line, column, part of the message, part of the hint. */
type Refused = [what: string, text: string, line: number, column: number, message: string, hint?: string];

const REFUSED: readonly Refused[] = [
  ["an empty file", "", 1, 1, "The file is empty"],
  ["comments only", "# nothing\n", 1, 1, "The file is empty"],
  ["a list", "- a\n", 1, 1, "must be a map of keys"],
  ["a bare word", "hello", 1, 1, "must be a map of keys"],
  ["two documents", `${LEAST}---\n${LEAST}`, 5, 1, "more than one document"],
  ["a tab as indentation", "components:\n\tstate: {}\n", 2, 1, "Tabs are not allowed"],
  ["a quote that does not end", 'backup: "x\n', 2, 1, "Not valid YAML"],
  ["a bracket that does not end", "backup: [\n", 2, 1, "Not valid YAML"],
  ["torn JSON", '{"backup": {"path": "/va', 1, 25, "Not valid YAML"],
  ["a tag", "backup: !vault { path: /vault }\ncomponents: { state: { path: data } }\n", 1, 9, "tag"],
  ["bytes as a value", component("{ path: !!binary aGVsbG8= }"), 2, 27, "tag"],
  ["a map as a key", `? { a: b }\n: c\n${LEAST}`, 1, 3, "A key must be text"],
  ["an empty key", `~: c\n${LEAST}`, 1, 1, "A key must be text"],
  ["__proto__ as a key", backup("__proto__: { path: /other }"), 5, 3, "`__proto__` cannot be a key"],
  ["an alias of nothing", component("*gone"), 2, 10, 'No anchor is called "gone"'],
  ["a key twice", `${LEAST}backup:\n  path: /other\n`, 5, 1, "`backup` is here twice; first on line 3"],
  ["a component twice", "components:\n  a: { path: a }\n  b: { path: b }\n  a: { path: c }\nbackup: { path: /v }\n", 4, 3, "`a` is here twice; first on line 2"],
  ["an unknown key", `nmae: x\n${LEAST}`, 1, 1, "Unknown key `nmae`", "Did you mean `name`?"],
  ["a mistyped key of a component", component("{ path: data, exlcude: [a] }"), 2, 24, "Unknown key `exlcude`", "Did you mean `exclude`?"],
  ["a mistyped key of backup", backup("retenton: {}"), 5, 3, "Unknown key `retenton`", "Did you mean `retention`?"],
  ["a mistyped required key, told once", "components:\n  state: { path: data }\nbackup:\n  paht: /vault\n", 4, 3, "Unknown key `paht`", "Did you mean `path`?"],
  ["a key that is near nothing", backup("zzzzzz: 1"), 5, 3, "Unknown key `zzzzzz`", "Known here: enabled, path"],
  ["a key of backup at the top", `${LEAST}retention: {}\n`, 5, 1, "Unknown key `retention`", "Did you mean `backup.retention`?"],
  ["a merge key", component("{ path: data, <<: { kind: file } }"), 2, 24, "Unknown key `<<`"],
  ["a number as name", `name: 5\n${LEAST}`, 1, 7, "`name` must be text, not a number", 'Put it in quotes: "5"'],
  ["a name with a space", `name: acme bot\n${LEAST}`, 1, 7, "`name` must be a name: letters, digits and single dashes"],
  ["an empty name", `name: ""\n${LEAST}`, 1, 7, "`name` must be a name"],
  ["a name without end", `name: ${"n".repeat(201)}\n${LEAST}`, 1, 7, "at most 200"],
  ["no components", "backup:\n  path: /vault\n", 1, 1, "`components` is missing"],
  ["components left empty", "components:\nbackup:\n  path: /vault\n", 1, 12, "`components` must be a map of keys, not empty"],
  ["no component", "components: {}\nbackup:\n  path: /vault\n", 1, 1, "declares nothing to protect"],
  ["a list of components", "components: [a]\nbackup:\n  path: /vault\n", 1, 13, "`components` must be a map of keys, not a list"],
  ["a component that is text", component("data"), 2, 10, "`components.state` must be a map of keys, not text"],
  ["a component name with an underscore", "components:\n  a_b: { path: data }\nbackup: { path: /v }\n", 2, 3, '"a_b" is not a component\'s name', "letters, digits and single dashes"],
  ["a component name that is a path", 'components:\n  "../x": { path: data }\nbackup: { path: /v }\n', 2, 3, "is not a component's name"],
  ["the reserved component name", "components:\n  Holdfast: { path: data }\nbackup: { path: /v }\n", 2, 3, "holds this configuration itself"],
  ["names that differ in case", "components:\n  Logs: { path: a }\n  logs: { path: b }\nbackup: { path: /v }\n", 3, 3, "differ in case only"],
  ["neither path nor command", component("{ kind: tree }"), 2, 3, "has neither `path` nor `command`"],
  ["path and command", component("{ path: data, command: [a], as: b }"), 2, 24, "either `path` or `command`"],
  ["a command without a file name", component("{ command: [pg_dump] }"), 2, 3, "`as` is missing"],
  ["a command as text", component("{ command: pg_dump x, as: b }"), 2, 21, "must be a list, not text", "A list is written"],
  ["an empty command", component("{ command: [], as: b }"), 2, 21, "must not be empty: a program"],
  ["an empty program", component('{ command: [""], as: b }'), 2, 22, "`components.state.command[0]` must not be empty"],
  ["a number as an argument", component("{ command: [sleep, 5], as: b }"), 2, 29, "must be text, not a number", 'Put it in quotes: "5"'],
  ["NUL in an argument", component('{ command: [a, "b\\0"], as: b }'), 2, 25, "must not hold a NUL character"],
  ["a file name with a folder", component("{ command: [a], as: ../b }"), 2, 30, "must be a plain file name"],
  ["a file name that is a folder", component("{ command: [a], as: .. }"), 2, 30, "must be a plain file name"],
  ["as without a command", component("{ path: data, as: b }"), 2, 24, "`as` has an effect with `command` only"],
  ["timeout without a command", component("{ path: data, timeout: 5s }"), 2, 24, "`timeout` has an effect with `command` only"],
  ["the kind command with a path", component("{ path: data, kind: command }"), 2, 30, "needs `command` in place of `path`"],
  ["another kind with a command", component("{ command: [a], as: b, kind: file }"), 2, 39, 'the kind is "command", not "file"'],
  ["patterns for a command", component("{ command: [a], as: b, exclude: [c] }"), 2, 33, "no effect on a command's output"],
  ["patterns for a database", component("{ path: data, kind: sqlite, exclude: [c] }"), 2, 38, "has an effect on a folder only"],
  ["a kind that is none", component("{ path: data, kind: sqlite3 }"), 2, 30, "must be tree, file, sqlite, json, log or command", "Did you mean `sqlite`?"],
  ["an importance that is none", component("{ path: data, importance: hihg }"), 2, 36, "must be critical, high or medium", "Did you mean `high`?"],
  ["an importance that is a number", component("{ path: data, importance: 1 }"), 2, 36, "must be critical, high or medium"],
  ["exclude as text", component("{ path: data, exclude: a }"), 2, 33, "`components.state.exclude` must be a list, not text"],
  ["a number as a pattern", component("{ path: data, exclude: [a, 1] }"), 2, 37, "`components.state.exclude[1]` must be text"],
  ["a map as a pattern", component("{ path: data, include: [{ a: b }] }"), 2, 34, "must be text, not a map"],
  ["an empty pattern", component('{ path: data, exclude: [""] }'), 2, 34, "must not be empty"],
  ["a size that is none", component("{ path: data, exclude_larger: big }"), 2, 40, "must be a size, such as 10MB"],
  ["a negative size", component("{ path: data, exclude_larger: -5 }"), 2, 40, "must be a size, such as 10MB"],
  ["a size of nothing", component("{ path: data, exclude_larger: 0kB }"), 2, 40, "must be larger than nothing"],
  ["a size that is a list", component("{ path: data, exclude_larger: [] }"), 2, 40, "must be text or a whole number, not a list"],
  ["yes for true", component("{ path: data, optional: yes }"), 2, 34, "must be true or false, not text"],
  ["a group that is no name", component("{ path: data, group: a b }"), 2, 31, "must be a name"],
  ["an empty path", component('{ path: "" }'), 2, 18, "must not be empty"],
  ["a path left empty", component("{ path: }"), 2, 18, "`components.state.path` must be text or a map of keys, not empty"],
  ["NUL in a path", component('{ path: "a\\0b" }'), 2, 18, "must not hold a NUL character"],
  ["an address as a path", component("{ path: mongo:state }"), 2, 18, "not a `mongo:` address"],
  ["a home that is somebody else's", component("{ path: ~root/data }"), 2, 18, "home folder of another user"],
  ["a variable in a path", component('{ path: "${HOME}/data" }'), 2, 18, "cannot hold `${…}`"],
  ["a pointer without a document", component("{ path: { pointer: /a } }"), 2, 12, "`components.state.path.from` is missing"],
  ["a pointer without a slash", component("{ path: { from: a.json, pointer: stateFile } }"), 2, 43, "must be a JSON pointer (RFC 6901)"],
  ["an empty pointer", component('{ path: { from: a.json, pointer: "" } }'), 2, 43, "must be a JSON pointer (RFC 6901)"],
  ["a pointer with a broken escape", component("{ path: { from: a.json, pointer: /a~2 } }"), 2, 43, "must be a JSON pointer (RFC 6901)"],
  ["a variable that is none", component("{ path: { from: a.json, pointer: /a, env: A-B } }"), 2, 52, "must be the name of an environment variable"],
  ["a variable that is an override", component("{ path: { from: a.json, pointer: /a, env: HOLDFAST_X } }"), 2, 52, "does not begin with HOLDFAST_"],
  ["a mistyped key of a pointer", component("{ path: { from: a.json, pointr: /a } }"), 2, 34, "Unknown key `pointr`", "Did you mean `pointer`?"],
  ["a pause without its end", component("{ path: data, pause: { command: [a] } }"), 2, 24, "`components.state.pause.resume` is missing"],
  ["a duration without unit", component("{ path: data, pause: { command: [a], resume: [b], timeout: 30 } }"), 2, 69, "must be text, not a number", "30s, 30m or 30h"],
  ["a duration that is none", component("{ path: data, pause: { command: [a], resume: [b], timeout: soon } }"), 2, 69, "must be a duration with its unit"],
  ["no time at all", component("{ path: data, pause: { command: [a], resume: [b], timeout: 0s } }"), 2, 69, "must be longer than nothing"],
  ["a wait longer than a timer can", component("{ command: [a], as: b, timeout: 365d }"), 2, 42, "must be at most 24d"],
  ["no backup", "components:\n  state: { path: data }\n", 1, 1, "`backup` is missing"],
  ["no vault", "components:\n  state: { path: data }\nbackup:\n  compression: true\n", 3, 1, "`backup.path` is missing"],
  ["a vault elsewhere", "components:\n  state: { path: data }\nbackup:\n  path: s3://bucket/acme\n", 4, 9, "not a `s3:` address"],
  ["the vault in the state folder", `state_dir: /vault\n${LEAST}`, 5, 9, "lie in each other"],
  ["the state folder in the vault", "components:\n  state: { path: /data }\nbackup:\n  path: .\n", 4, 9, "lie in each other"],
  ["a component in the vault", component("{ path: /vault/data }"), 2, 18, "lies in the vault, which is never captured"],
  ["a component in the state folder", component("{ path: .holdfast }"), 2, 18, "lies in Holdfast's own state folder"],
  ["an included component that is not declared", backup("include: [sate]"), 5, 13, 'No component is called "sate"', "Did you mean `state`?"],
  ["an included component that is near none", backup("include: [checkpoints]"), 5, 13, 'No component is called "checkpoints"', "Declared are: state"],
  ["a component included twice", backup("include: [state, state]"), 5, 20, '"state" is here twice'],
  ["nothing included", backup("include: []"), 5, 12, "must name a component, or not be given"],
  ["include as text", backup("include: state"), 5, 12, "must be a list, not text"],
  ["a switch as text", backup('enabled: "true"'), 5, 12, "`backup.enabled` must be true or false, not text"],
  ["hours out of range", backup("schedule_hours: 169"), 5, 19, "`backup.schedule_hours` must be from 1 to 168"],
  ["hours as text", backup('schedule_hours: "6"'), 5, 19, "must be a whole number, not text"],
  ["a fraction of hours", backup("schedule_hours: 1.5"), 5, 19, "must be a whole number"],
  ["a count out of range", backup("retention: { max_count: 0 }"), 5, 27, "must be from 1 to 1000"],
  ["an age out of range", backup("retention: { max_age_days: 3651 }"), 5, 30, "must be from 1 to 3650"],
  ["a form that is none", backup("format: archvie"), 5, 11, "must be archive", "Did you mean `archive`?"],
  ["a schema version of nothing", `${LEAST}schema_version: { component: stat }\n`, 5, 30, 'No component is called "stat"', "Did you mean `state`?"],
  ["a schema version of a command", `${component("{ command: [a], as: b }")}schema_version: { component: state }\n`, 5, 30, "is a command's output"],
  ["an empty query", `${LEAST}schema_version: { component: state, query: "" }\n`, 5, 44, "must not be empty"],
];

describe("loadConfig() refuses", () => {
  it.each<Refused>([...REFUSED])("%s", (_, text, line, column, message, hint) => {
    using place = testPlace();
    const problems = place.problems(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: place.file, line, column, message: expect.stringContaining(message) });
    expect(problems[0]?.message).not.toMatch(/\.$|n't\b|undefined|\bNaN\b/);
    if (hint !== undefined) expect(problems[0]?.hint).toContain(hint);
  });

  it("by name what this version does not have, wherever the specification puts it", () => {
    using place = testPlace();
    const rows = configReference().filter(({ available }) => available === false);
    expect(rows.length).toBeGreaterThan(20);
    for (const { key } of rows) {
      const path = key.replace("NAME", "state").split(".");
      const name = path.at(-1);
      const root = { components: { state: { path: "data" } }, backup: { path: "/vault", retention: {} } };
      let at: Record<string, unknown> = root;
      for (const part of path.slice(0, -1)) at = at[part] as Record<string, unknown>;
      at[String(name)] = [{ any: "value" }];
      const problems = place.problems(JSON.stringify(root, null, 1));
      expect(problems, key).toMatchObject([{ key: path.join("."), message: `\`${name}\` is not available in this version`, line: expect.any(Number) as number }]);
    }
    expect(place.problems(backup("format: repository"))).toMatchObject([{ message: "`format: repository` is not available in this version", line: 5, column: 11 }]);
  });

  it("everything at once, in the order of the file, variables last", () => {
    using place = testPlace();
    const problems = place.problems(
      "nmae: x\ncopies: []\ncomponents:\n  holdfast: { path: mongo:x }\n  a b: {}\nbackup:\n  include: [c]\n  schedule_hours: soon\n",
      { HOLDFAST_BACKUP__ENABLED: "maybe", HOLDFAST_NOPE: "1" },
    );
    expect(problems.map(({ line, column, variable }) => variable ?? `${line}:${column}`)).toEqual([
      "1:1",
      "2:1",
      "4:3",
      "4:21",
      "5:3",
      "5:3",
      "6:1",
      "7:13",
      "8:19",
      "HOLDFAST_NOPE",
      "HOLDFAST_BACKUP__ENABLED",
    ]);
  });

  it("with the place, the line, a caret under it and the nearest key", () => {
    using place = testPlace();
    const error = place.refusal("components:\n  state: { path: data }\nbackup:\n  paht: /vault\n");
    expect(error).toMatchObject({ code: "CONFIG_INVALID", position: { file: place.file, line: 4, column: 3 } });
    expect(error.hint).toContain("nothing was done");
    expect(error.message).toBe(
      `Cannot use "${place.file}": 1 problem\n\n${place.file}:4:3: Unknown key \`paht\`\n      paht: /vault\n      ^\n  Did you mean \`path\`?\n`,
    );
  });

  it("with a caret that stands right behind tabs, wide characters, Windows line ends and on long lines", () => {
    using place = testPlace();
    const caret = (text: string): string[] => place.refusal(text).message.split("\n").slice(3, 5);
    expect(caret('{"components": {"state": {"path": "data"}},\r\n\t"bakcup": {"path": "/v"}}')).toEqual(['    \t"bakcup": {"path": "/v"}}', "    \t^"]);
    expect(caret('{ "name": "🦞", "zz": 1, "components": {"s": {"path": "d"}}, "backup": {"path": "/v"} }')).toEqual([
      '    { "name": "🦞", "zz": 1, "components": {"s": {"path": "d"}}, "backup": {"path": "/v"} }',
      "              ^",
    ]);
    const [line = "", mark = ""] = caret(`{${'"name": "x",'.padEnd(500)} "zz": 1, ${'"components": {"s": {"path": "d"}},'.padEnd(500)} "backup": {"path": "/v"}}`);
    expect(line.length).toBeLessThan(120);
    expect(line.slice(mark.length - 1)).toMatch(/^"zz"/);
  });

  it("a message of bounded length, and all problems in its details", () => {
    using place = testPlace();
    const error = place.refusal(`${LEAST}${Array.from({ length: 100 }, (_, index) => `zz${index}: 1\n`).join("")}`);
    expect(error.message).toContain("100 problems");
    expect(error.message).toContain("and 80 more");
    expect(error.details?.["problems"]).toHaveLength(100);
  });

  it.each<[string, Buffer, number, number]>([
    ["a byte that is not UTF-8", Buffer.from("name: x\nnote: \xFF\n", "latin1"), 2, 7],
    ["UTF-16", Buffer.from(`\uFEFF${LEAST}`, "utf16le"), 1, 1],
    ["NUL", Buffer.from("name: \0\n"), 1, 7],
    ["an escape sequence", Buffer.from("name: x\nnote: \x1B[2J\n"), 2, 7],
    ["a database", Buffer.from("SQLite format 3\0\x10\x00"), 1, 16],
  ])("%s in the file", (_, bytes, line, column) => {
    using place = testPlace();
    expect(place.problems(bytes)).toMatchObject([{ message: expect.stringMatching(/^Not text/) as string, line, column }]);
  });

  it("aliases that unfold without end, quickly", () => {
    using place = testPlace();
    const layers = Array.from({ length: 30 }, (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index}, `.repeat(9)}*l${index}]\n`).join("");
    const problems = place.problems(`l0: &l0 [x]\n${layers}`);
    expect(problems.filter(({ message }) => message.startsWith("Unfolds to more than"))).toHaveLength(1);
    expect(place.problems("a: &a { b: *a }\n").map(({ message }) => message)).toContainEqual(expect.stringMatching(/^Unfolds/));
  });

  it("lists nested without end", () => {
    using place = testPlace();
    for (const depth of [60, 20_000]) {
      expect(place.problems(`components: ${"[".repeat(depth)}${"]".repeat(depth)}\n`).length).toBeGreaterThan(0);
    }
  });

  it("a file far too large for a configuration", () => {
    using place = testPlace();
    expect(place.refusal(`# ${"x".repeat(600_000)}\n${LEAST}`)).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("at most 524288 are read") as string });
  });

  it("never quotes an address, which can hold a password", () => {
    using place = testPlace();
    const [problem] = place.problems(LEAST, { HOLDFAST_BACKUP__PATH: "s3://key:hunter2@bucket" });
    expect(JSON.stringify(problem)).not.toContain("hunter2");
    const variable = place.refusal(LEAST, { HOLDFAST_COMPONENTS: '{"state": hunter2' });
    expect(JSON.stringify([variable, variable.message])).not.toContain("hunter2");
  });

  it("every misspelling of every key, with its position", () => {
    using place = testPlace();
    const keys = configReference().filter(({ available }) => available !== false);
    const known = (parent: string): Set<string> =>
      new Set(configReference().flatMap(({ key }) => (key.slice(0, key.lastIndexOf(".") + 1) === parent ? [key.slice(parent.length)] : [])));
    const misspelt = fc.constantFrom(...keys).chain(({ key }) => {
      const name = key.slice(key.lastIndexOf(".") + 1);
      const parent = key.slice(0, key.lastIndexOf(".") + 1);
      const typo = fc
        .tuple(fc.nat(name.length), fc.constantFrom("insert", "drop", "swap"), fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz_"))
        .map(([at, how, letter]) => {
          if (how === "insert") return name.slice(0, at) + letter + name.slice(at);
          if (how === "drop") return name.slice(0, at) + name.slice(at + 1);
          return name.slice(0, at) + (name[at + 1] ?? "") + (name[at] ?? "") + name.slice(at + 2);
        })
        .filter((word) => word !== "" && !known(parent).has(word));
      return typo.map((word) => ({ parent, name, word }));
    });
    fc.assert(
      fc.property(misspelt, ({ parent, name, word }) => {
        const root = {
          components: { state: { path: { from: "a.json", pointer: "/a" }, pause: { command: ["a"], resume: ["b"] } } },
          schema_version: { component: "state" },
          backup: { path: "/vault", retention: {} },
        };
        let at: Record<string, unknown> = root;
        for (const part of parent.replace("NAME", "state").split(".").slice(0, -1)) at = at[part] as Record<string, unknown>;
        at[word] = at[name];
        delete at[name];
        const text = JSON.stringify(root, (_, value: unknown) => (value === undefined ? null : value), 2);
        const found = place.problems(text).filter(({ message }) => message === `Unknown key \`${word}\``);
        expect(found).toHaveLength(1);
        const { line = 0, column = 0, hint } = found[0]!;
        expect(text.split("\n")[line - 1]?.slice(column - 1)).toMatch(new RegExp(`^"${word}":`));
        expect(hint).toMatch(/^(Did you mean|Known here)/);
      }),
      { numRuns: 300 },
    );
  });
});
