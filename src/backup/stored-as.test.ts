import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOURCE_KINDS, type SourceKind } from "../vault/index.ts";
import { assignStoredAs } from "./stored-as.ts";

type Component = { name: string; kind: SourceKind; path: string | null; as?: string };

const places = (...components: Component[]): Record<string, string> => Object.fromEntries(assignStoredAs(components));
const sqlite = (name: string, path: string): Component => ({ name, kind: "sqlite", path });

describe("assignStoredAs()", () => {
  it("gives the layout of synthorg#449", () => {
    expect(
      places(
        sqlite("persistence", "/srv/data/synthorg.db"),
        { name: "memory", kind: "tree", path: "/srv/data/memory" },
        { name: "config", kind: "file", path: "/srv/company.yaml" },
        { name: "state", kind: "json", path: "/srv/state.json" },
        { name: "database", kind: "command", path: null, as: "mydb.pgdump" },
      ),
    ).toEqual({
      persistence: "synthorg.db",
      memory: "memory",
      config: "config/company.yaml",
      state: "state/state.json",
      database: "database/mydb.pgdump",
    });
  });

  it("puts databases of one name into their components' folders, also when only the case differs", () => {
    expect(places(sqlite("a", "/x/state.db"), sqlite("b", "/y/State.DB"))).toEqual({ a: "a/state.db", b: "b/State.DB" });
  });

  it("takes two Unicode forms of one name for the same", () => {
    expect(places(sqlite("a", "/x/caf\u00e9.db"), sqlite("b", "/y/cafe\u0301.db"))).toEqual({ a: "a/caf\u00e9.db", b: "b/cafe\u0301.db" });
  });

  it.each(["manifest.json", "MANIFEST.json", "entries.jsonl", ".hidden.db", "memory", "Memory"])(
    "gives %j, which belongs to the format or to a component, a folder of its own",
    (file) => {
      expect(places(sqlite("persistence", `/x/${file}`), { name: "memory", kind: "tree", path: "/x/m" })["persistence"]).toBe(
        `persistence/${file}`,
      );
    },
  );

  it("a database that is called like its own component lies in that component's folder", () => {
    expect(places(sqlite("state", "/x/state"))).toEqual({ state: "state/state" });
  });

  const name = fc.constantFrom("a", "B", "c-1", "memory", "manifest", "state", "holdfast", "entries", "db", "x");
  const file = fc.oneof(
    fc.constantFrom("a", "A", "b.db", "B.DB", "manifest.json", "Entries.JSONL", ".db", "caf\u00e9", "cafe\u0301", "STATE", "memory", "x y"),
    fc
      .string({ minLength: 1, maxLength: 20, unit: "grapheme" })
      .filter((text) => !text.includes("/") && !text.includes("\0") && text !== "." && text !== ".."),
  );
  const component: fc.Arbitrary<Component> = fc
    .tuple(name, fc.constantFrom(...SOURCE_KINDS), file)
    .map(([of, kind, called]) =>
      kind === "command" ? { name: of, kind, path: null, as: called } : { name: of, kind, path: `/somewhere/${called}` },
    );
  /** As the configuration lets them through: no two names that differ in case only. */
  const components = fc.uniqueArray(component, { selector: (one) => one.name.toLowerCase(), minLength: 1, maxLength: 8 });
  const fold = (text: string): string => text.normalize("NFC").toLowerCase().normalize("NFC");

  it("gives every component a place of its own, none inside another, none reserved, whatever the case or Unicode form", () => {
    fc.assert(
      fc.property(components, (all) => {
        const stored = assignStoredAs(all);
        expect([...stored.keys()]).toEqual(all.map((one) => one.name));
        const folded = [...stored.values()].map(fold);
        expect(new Set(folded).size).toBe(all.length);
        for (const place of folded) {
          expect(["manifest.json", "entries.jsonl"]).not.toContain(place.split("/")[0]);
          for (const other of folded) expect(other.startsWith(`${place}/`)).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps the file's name, at the top or in the component's folder", () => {
    fc.assert(
      fc.property(components, (all) => {
        const stored = assignStoredAs(all);
        for (const { name: of, kind, path, as } of all) {
          const called = as ?? path?.split("/").at(-1) ?? "";
          if (kind === "tree") expect(stored.get(of)).toBe(of);
          else if (kind === "sqlite") expect([called, `${of}/${called}`]).toContain(stored.get(of));
          else expect(stored.get(of)).toBe(`${of}/${called}`);
        }
      }),
    );
  });
});
