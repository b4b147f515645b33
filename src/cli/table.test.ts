import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable, printableLines, table } from "./table.ts";

// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const UNSEEN = /[\u0000-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/u;

describe("table()", () => {
  it("makes columns as wide as their widest cell, numbers to the right, and no white space at the end", () => {
    const text = table(
      ["ID", "SIZE", "TAGS"],
      [
        ["a", "1.0 kB", "x y"],
        ["longer", "12 B", ""],
      ],
      [1],
    );
    expect(text.split("\n")).toEqual(["ID        SIZE  TAGS", "a       1.0 kB  x y", "longer    12 B"]);
  });

  it("is its header when there is nothing to show, and takes rows that are too short", () => {
    expect(table(["A", "B"], [])).toBe("A  B");
    expect(table(["A", "B"], [["x"]])).toBe("A  B\nx");
  });

  it("keeps one row on one line, whatever its cells hold", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.string()), { maxLength: 5 }), (rows) => {
        const lines = table(["A", "B"], rows).split("\n");
        expect(lines).toHaveLength(rows.length + 1);
        for (const line of lines) expect(line).not.toMatch(UNSEEN);
      }),
    );
  });
});

describe("printable()", () => {
  it.each([
    ["a\nb", "a\\nb"],
    ["a\r\tb", "a\\r\\tb"],
    ["\u001B[31mred\u001B[0m", "\\u001b[31mred\\u001b[0m"],
    ["\u0007\u007F\u0080\u009B2J", "\\u0007\\u007f\\u0080\\u009b2J"],
    ["gnp.\u202Eexe", "gnp.\\u202eexe"],
    ["\u0000", "\\u0000"],
    ["Überraschung 日本 🌊 \"'\\", "Überraschung 日本 🌊 \"'\\"],
  ])("shows %j as %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it("leaves nothing that acts on a terminal, and what is printable alone", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(UNSEEN);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]*$/), (text) => {
        expect(printable(text)).toBe(text);
      }),
    );
  });
});

describe("printableLines()", () => {
  it("keeps line breaks, tabs and our colours, and shows the rest", () => {
    expect(printableLines("\u001B[31mwarning\u001B[39m a\n\tb")).toBe("\u001B[31mwarning\u001B[39m a\n\tb");
    expect(printableLines("name\u001B]0;title\u0007\u001B[2J\r\u202E")).toBe("name\\u001b]0;title\\u0007\\u001b[2J\\r\\u202e");
  });
});
