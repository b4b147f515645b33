import { describe, expect, it } from "vitest";
import { configReference } from "./reference.ts";
import { LEAST, testPlace } from "./test-place.ts";

describe("loadConfig() refuses", () => {
  it("by name what this version does not have, wherever the specification puts it", () => {
    using place = testPlace();
    const rows = configReference().filter(({ available }) => available === false);
    expect(rows.length).toBeGreaterThan(8);
    for (const { key } of rows) {
      const path = key.replace("NAME", "state").split(".");
      const name = path.at(-1);
      const root = { components: { state: { path: "data" } }, backup: { path: "/vault", retention: {} }, orchestrator: {}, server: {} };
      let at: Record<string, unknown> = root;
      for (const part of path.slice(0, -1)) at = at[part] as Record<string, unknown>;
      at[String(name)] = [{ any: "value" }];
      const problems = place.problems(JSON.stringify(root, null, 1));
      expect(problems, key).toMatchObject([
        { key: path.join("."), message: `\`${name}\` is not available in this version`, line: expect.any(Number) as number },
      ]);
    }
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
    expect(caret('{"components": {"state": {"path": "data"}},\r\n\t"bakcup": {"path": "/v"}}')).toEqual([
      '    \t"bakcup": {"path": "/v"}}',
      "    \t^",
    ]);
    expect(caret('{ "name": "🦞", "zz": 1, "components": {"s": {"path": "d"}}, "backup": {"path": "/v"} }')).toEqual([
      '    { "name": "🦞", "zz": 1, "components": {"s": {"path": "d"}}, "backup": {"path": "/v"} }',
      "              ^",
    ]);
    const [line = "", mark = ""] = caret(
      `{${'"name": "x",'.padEnd(500)} "zz": 1, ${'"components": {"s": {"path": "d"}},'.padEnd(500)} "backup": {"path": "/v"}}`,
    );
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
    const layers = Array.from({ length: 30 }, (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index}, `.repeat(9)}*l${index}]\n`).join(
      "",
    );
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
    expect(place.refusal(`# ${"x".repeat(600_000)}\n${LEAST}`)).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("at most 524288 are read") as string,
    });
  });

  it("never quotes an address, which can hold a password", () => {
    using place = testPlace();
    const [problem] = place.problems(LEAST, { HOLDFAST_BACKUP__PATH: "s3://key:hunter2@bucket" });
    expect(JSON.stringify(problem)).not.toContain("hunter2");
    const variable = place.refusal(LEAST, { HOLDFAST_COMPONENTS: '{"state": hunter2' });
    expect(JSON.stringify([variable, variable.message])).not.toContain("hunter2");
  });
});
