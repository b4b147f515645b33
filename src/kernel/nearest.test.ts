import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest } from "./nearest.ts";

const COMMANDS = ["protect", "init", "backup", "restore", "ls", "cat", "diff", "find", "verify", "export", "import", "status"];

describe("nearest()", () => {
  it.each([
    ["bakcup", "backup"],
    ["BACKUP", "backup"],
    ["statsu", "status"],
    ["exprot", "export"],
    ["verfiy", "verify"],
    ["restor", "restore"],
    ["lss", "ls"],
  ])("takes %j for %j", (word, meant) => {
    expect(nearest(word, COMMANDS)).toBe(meant);
  });

  it.each(["", "x", "qq", "daemon", "zzzzzzzzzzzz", "日本"])("takes %j for nothing", (word) => {
    expect(nearest(word, COMMANDS)).toBeUndefined();
  });

  it("prefers the nearer one, and the first of two as near", () => {
    expect(nearest("memori", ["memoria", "memory", "memorii"])).toBe("memoria");
    expect(nearest("memory", ["memoru", "memory"])).toBe("memory");
    expect(nearest("lst", ["list", "last"])).toBe("list");
    expect(nearest("anything", [])).toBeUndefined();
  });

  it("finds every candidate again after one slip: a letter changed, left out, doubled, or swapped with its neighbour", () => {
    const words = COMMANDS.filter((word) => word.length > 5);
    fc.assert(
      fc.property(fc.constantFrom(...words), fc.nat(), fc.constantFrom("change", "drop", "double", "swap"), (word, place, slip) => {
        const at = place % (word.length - 1);
        const [before, letter, after] = [word.slice(0, at), word.slice(at, at + 1), word.slice(at + 1)];
        const mistyped = {
          change: `${before}#${after}`,
          drop: before + after,
          double: before + letter + letter + after,
          swap: before + after.slice(0, 1) + letter + after.slice(1),
        }[slip];
        expect(nearest(mistyped, words)).toBe(nearest(mistyped, [word]) === undefined ? "missed" : word);
      }),
    );
  });

  it("gives only what it was offered", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (word, candidates) => {
        expect([undefined, ...candidates]).toContain(nearest(word, candidates));
      }),
    );
  });
});
