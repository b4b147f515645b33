import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { specDocument } from "../../test/support/spec-document.ts";
import { LEASE_EVENTS, LEASE_SIGHTS, LEASE_TABLE, type LeaseAnswer } from "./states.ts";

const { rows } = specDocument(new URL("./SPEC.md", import.meta.url));

function cellText(answer: LeaseAnswer | null, sight: string): string {
  if (answer === null) return "-";
  const { reply, next, raise } = answer;
  const change = next === sight && raise === 0 ? "" : `${next}${raise === 1 ? ", +1" : raise === null ? ", above all" : ""}`;
  return [reply, change].filter((part) => part !== null && part !== "").join(" → ") || "stays";
}

describe("SPEC.md", () => {
  it("has the table as LEASE_TABLE has it, cell for cell", () => {
    const [head, ...body] = rows("States and events");
    expect(head).toEqual(["event", ...LEASE_SIGHTS]);
    expect(body).toEqual(LEASE_EVENTS.map((event) => [event, ...LEASE_SIGHTS.map((sight) => cellText(LEASE_TABLE[event][sight], sight))]));
  });

  it("names a test that is there for every invariant from L1 to L10", () => {
    const invariants = rows("Invariants").slice(1);
    expect(new Set(invariants.map(([name]) => name))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((number) => `L${number}`)));
    for (const [name, , place = ""] of invariants) {
      const tests = [...place.matchAll(/`([^`]+\.test\.ts)`: "([^"]+)"/g)];
      expect({ name, tests: tests.length > 0 }).toEqual({ name, tests: true });
      for (const [, file = "", title = ""] of tests) {
        const path = new URL(`../../${file}`, import.meta.url);
        expect({ file, there: existsSync(path) }).toEqual({ file, there: true });
        expect(readFileSync(path, "utf8")).toContain(title);
      }
    }
  });
});
