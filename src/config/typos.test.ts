import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configReference } from "./reference.ts";
import { testPlace } from "./test-place.ts";

describe("loadConfig() refuses", () => {
  it("every misspelling of every key, with its position", () => {
    using place = testPlace();
    const keys = configReference().filter(({ available }) => available !== false);
    const known = (parent: string): Set<string> =>
      new Set(
        configReference().flatMap(({ key }) => (key.slice(0, key.lastIndexOf(".") + 1) === parent ? [key.slice(parent.length)] : [])),
      );
    const misspelt = fc.constantFrom(...keys).chain(({ key }) => {
      const name = key.slice(key.lastIndexOf(".") + 1);
      const parent = key.slice(0, key.lastIndexOf(".") + 1);
      const typo = fc
        .tuple(fc.nat(name.length), fc.constantFrom("insert", "drop", "swap"), fc.constantFrom("a", "e", "k", "s", "x", "_"))
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
          runtime: { stop: ["a"], start: ["b"], health: { command: ["c"] } },
          backup: { path: "/vault", retention: {}, encryption: {} },
          tasks: { state: { command: ["a"], every: "1h", ready: { command: ["c"] } } },
          orchestrator: {},
          server: {},
          verify: {},
          hooks: { before: ["a"] },
          notify: [{ command: ["a"] }],
        };
        let at: Record<string, unknown> = root;
        for (const part of parent.replace("NAME", "state").replace("[]", ".0").split(".").slice(0, -1))
          at = at[part] as Record<string, unknown>;
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
