import { readFileSync } from "node:fs";

/** A SPEC.md that tests hold the code against. */
export interface SpecDocument {
  /** From a heading of the second level to the next; empty when there is none that begins so. */
  section(heading: string): string;
  /** The table of a section, cell by cell, with its head and rule. */
  rows(heading: string): string[][];
}

export function specDocument(place: URL): SpecDocument {
  const text = readFileSync(place, "utf8");
  const section = (heading: string): string => text.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  return {
    section,
    rows: (heading) =>
      section(heading)
        .split("\n")
        .filter((line) => line.startsWith("| "))
        .map((line) =>
          line
            .split("|")
            .slice(1, -1)
            .map((cell) => cell.trim()),
        ),
  };
}
