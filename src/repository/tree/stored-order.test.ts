import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isStoredBefore } from "./stored-order.ts";

const name = fc
  .string({ unit: fc.constantFrom("a", "b", "!", "-", ".", "0", "é", "\u{1F980}", "\uE000", "\uFFFD"), minLength: 1, maxLength: 3 })
  .filter((text) => text !== "." && text !== "..");
const paths = fc.array(
  fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/")),
  { maxLength: 30 },
);

/** As a walk goes: the names of a folder by their bytes, and what is in one of them before the next. */
function inOrder(all: ReadonlySet<string>, folder = ""): readonly string[] {
  const names = [
    ...new Set([...all].filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length).split("/")[0] ?? "")),
  ];
  const sorted = names.toSorted((one, other) => Buffer.from(one).compare(Buffer.from(other)));
  return sorted.flatMap((one) => [folder + one, ...inOrder(all, `${folder}${one}/`)]);
}

describe("isStoredBefore()", () => {
  it("agrees with a walk of folders, of any two of their paths", () => {
    fc.assert(
      fc.property(paths, (some) => {
        const walked = [".", ...inOrder(new Set(some))];
        for (const [index, one] of walked.entries())
          for (const [other, path] of walked.entries()) expect([one, path, isStoredBefore(one, path)]).toEqual([one, path, index < other]);
      }),
      { numRuns: 100 },
    );
  });
});
