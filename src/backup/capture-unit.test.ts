import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOURCE_KINDS, type SourceKind } from "../vault/index.ts";
import { captureUnits, hasLargeFiles } from "./capture-unit.ts";
import type { ReadyComponent } from "./preflight.ts";

function ready(name: string, kind: SourceKind, group?: string): ReadyComponent {
  const plan = {
    name,
    path: `/srv/${name}`,
    command: null,
    kind,
    importance: undefined,
    exclude: [],
    include: [],
    excludeLarger: undefined,
    excludeCaches: true,
    oneFileSystem: false,
    optional: false,
    group,
    pause: undefined,
  };
  return { plan, kind, importance: "critical", newestGood: undefined, fewLarge: false };
}

const names = (...components: ReadyComponent[]): string[][] => captureUnits(components).map((unit) => unit.map(({ plan }) => plan.name));

describe("captureUnits()", () => {
  it("captures each component alone, in the configuration's order", () => {
    expect(names(ready("memory", "tree"), ready("persistence", "sqlite"), ready("config", "file"))).toEqual([
      ["memory"],
      ["persistence"],
      ["config"],
    ]);
    expect(names()).toEqual([]);
  });

  it("captures a group at the place of its first member, databases first (MemPalace/mempalace#585)", () => {
    expect(
      names(
        ready("index", "tree", "search"),
        ready("config", "file"),
        ready("database", "sqlite", "search"),
        ready("notes", "tree"),
        ready("more", "sqlite", "search"),
      ),
    ).toEqual([["database", "more", "index"], ["config"], ["notes"]]);
  });

  it("does not take a component for the group that has its name", () => {
    expect(names(ready("search", "tree"), ready("index", "tree", "search"))).toEqual([["search"], ["index"]]);
  });

  it("loses no component and takes none twice, keeps order inside a rank, and never mixes groups", () => {
    const component = fc.record({
      kind: fc.constantFrom(...SOURCE_KINDS),
      group: fc.option(fc.constantFrom("g", "h", "0", "component:1"), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(component, { maxLength: 12 }), (specs) => {
        const all = specs.map(({ kind, group }, index) => ready(String(index), kind, group));
        const units = captureUnits(all);
        expect(units.flat().toSorted((a, b) => Number(a.plan.name) - Number(b.plan.name))).toEqual(all);
        for (const unit of units) {
          expect(new Set(unit.map(({ plan }) => plan.group)).size).toBe(1);
          if (unit[0]?.plan.group === undefined) expect(unit).toHaveLength(1);
          const order = unit.map(({ kind, plan }) => [kind === "sqlite" ? 0 : 1, Number(plan.name)] as const);
          expect(order).toEqual(order.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]));
        }
        const firsts = units.map((unit) => Math.min(...unit.map(({ plan }) => Number(plan.name))));
        expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("hasLargeFiles()", () => {
  const logs = { ...ready("logs", "tree"), fewLarge: true };

  it("says so of a tree alone, and not of a group, or of what has a pause", () => {
    expect(hasLargeFiles([logs])).toBe(true);
    expect(hasLargeFiles([ready("logs", "tree")])).toBe(false);
    expect(hasLargeFiles([logs, ready("database", "sqlite")])).toBe(false);
    const pause = { command: ["true"], resume: ["true"], timeout: 1000 };
    expect(hasLargeFiles([{ ...logs, plan: { ...logs.plan, pause } }])).toBe(false);
  });
});
