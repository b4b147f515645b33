import { describe, expect, it } from "vitest";
import { parseOptions, USAGE } from "./options.ts";
import { RUNS, SECTIONS } from "./sections.ts";

describe("parseOptions()", () => {
  it("takes every section unless some are named", () => {
    expect(parseOptions([])).toMatchObject({ scale: 1, rounds: 3, only: SECTIONS, named: false, forms: ["repository", "gzip", "plain"] });
    expect(parseOptions(["--only", "growth, activity100", "--forms", "plain"])).toMatchObject({
      only: ["growth", "activity100"],
      named: true,
      forms: ["plain"],
    });
  });

  it("refuses names and numbers that it does not know", () => {
    expect(() => parseOptions(["--only", "speed"])).toThrow("--only knows gzip, plain, in-place, prune, start, repository");
    expect(() => parseOptions(["--forms", "tar"])).toThrow('--forms knows repository, gzip, plain, not "tar"');
    expect(() => parseOptions(["--scale", "21"])).toThrow('--scale is a number from 0.02 to 20, not "21"');
    expect(() => parseOptions(["--scale", "3"])).toThrow("growth makes ten times what --scale says");
    expect(parseOptions(["--scale", "20", "--only", "memory"])).toMatchObject({ scale: 20, only: ["memory"] });
    expect(() => parseOptions(["--rounds", "1.5"])).toThrow("--rounds is a whole number");
  });

  it("names every section in its help", () => {
    expect(Object.keys(RUNS).toSorted()).toEqual(SECTIONS.toSorted());
    for (const name of SECTIONS) expect(USAGE).toContain(name);
  });
});
