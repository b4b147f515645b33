import { describe, expect, it } from "vitest";
import { testPlace } from "./test-place.ts";

const REPOSITORY = "backup: { path: /vault, format: repository, encryption: { key_file: /keys/key } }\n";

describe("loadConfig() of a component's `read`", () => {
  it("takes it for a database in repository form, and stages unless told otherwise", () => {
    using place = testPlace();
    const { components } = place.load(
      `components:\n  a: { path: a.db, read: pinned }\n  b: { path: b.db, kind: sqlite, read: staged }\n  c: { path: c.db }\n${REPOSITORY}`,
    );
    expect(components.map(({ read }) => read)).toEqual(["pinned", "staged", "pinned"]);
  });

  it.each([
    ["command: [dump], as: dump.sql, ", "on a command's output"],
    ["path: data, kind: tree, ", 'with the kind "tree"'],
    ["path: a.json, kind: json, ", 'with the kind "json"'],
    ["path: a.db, pause: { command: [p], resume: [r] }, ", "under a pause"],
    ["path: a.db, group: g, ", "in a group that is paused"],
  ])("refuses it, with its place, after %s", (keys, why) => {
    using place = testPlace();
    const paused = "  p: { path: p, group: g, pause: { command: [p], resume: [r] } }\n";
    const problems = place.problems(`components:\n${paused}  a: { ${keys}read: pinned }\n${REPOSITORY}`);
    expect(problems).toMatchObject([{ key: "components.a.read", message: expect.stringContaining(why), line: 3 }]);
  });

  it("refuses it in an archive, whose databases are always copied", () => {
    using place = testPlace();
    const problems = place.problems("components:\n  a: { path: a.db, read: pinned }\nbackup: { path: /vault }\n");
    expect(problems).toMatchObject([{ key: "components.a.read", message: expect.stringContaining("in an archive"), line: 2, column: 20 }]);
  });
});
