import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { specDocument } from "../../test/support/spec-document.ts";

const { rows } = specDocument(new URL("./SPEC.md", import.meta.url));

describe("SPEC.md of the repository", () => {
  it("names a test that is there for every invariant, which are numbered without a gap", () => {
    const invariants = rows("Invariants").slice(1);
    expect(invariants.length).toBeGreaterThan(15);
    expect(invariants.map(([name]) => name)).toEqual(invariants.map((_, index) => `R${index + 1}`));
    for (const [name, , place = ""] of invariants) {
      const tests = [...place.matchAll(/`([^`]+\.test\.ts)`: "([^"]+)"/g)];
      expect({ name, tests: tests.length > 0 }).toEqual({ name, tests: true });
      for (const [, file = "", title = ""] of tests) {
        const path = new URL(`../../${file}`, import.meta.url);
        expect({ file, there: existsSync(path) }).toEqual({ file, there: true });
        expect({ file, title: readFileSync(path, "utf8").includes(title) ? title : undefined }).toEqual({ file, title });
      }
    }
  });
});
