import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { unguarded } from "../../kernel/index.ts";
import { OpenJournal, readJournal, type JournaledMove, type RestoreJournal } from "./journal.ts";
import { keptRestores } from "./kept-restores.ts";
import { MARKER, placesBeside } from "./kept-names.ts";
import { printOf } from "./set-print.ts";
import { settle } from "./settle.ts";
import { setMarkers } from "./swap.ts";

const NOW = Date.parse("2026-03-15T12:00:00Z");
const ASKED = {
  now: NOW,
  guard: unguarded,
  others: { run: () => Promise.reject(new Error("no others")), undo: () => Promise.reject(new Error("no others")) },
};
const ID = "2026-03-15T11-00-00-abc123";

/** What lies at a live place before and after: nothing, a file with this text, or a folder of files. */
type Lying = string | null | readonly string[];
interface Item {
  readonly old: Lying;
  readonly new: Lying;
}

const lying: fc.Arbitrary<Lying> = fc.oneof(
  fc.constant(null),
  fc.string({ minLength: 1, maxLength: 5 }),
  fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
);
const items = fc
  .array(fc.record({ old: lying, new: lying }), { minLength: 1, maxLength: 5 })
  .map((all) => all.filter((item) => item.old !== null || item.new !== null));

function lay(path: string, what: Lying): void {
  if (what === null) return;
  mkdirSync(dirname(path), { recursive: true });
  if (typeof what === "string") writeFileSync(path, what);
  else {
    mkdirSync(path);
    for (const [index, text] of what.entries()) writeFileSync(join(path, `f${index}`), text);
  }
}

function seen(path: string): Lying {
  if (!existsSync(path)) return null;
  if (statSync(path).isFile()) return readFileSync(path, "utf8");
  return readdirSync(path)
    .toSorted()
    .map((name) => readFileSync(join(path, name), "utf8"));
}

/** A restore that was cut off after `done` whole moves, and half-way through the next one when `half`. */
function cutOff(folder: string, all: readonly Item[], done: number, half: boolean): { open: OpenJournal; moves: readonly JournaledMove[] } {
  const { coming, going } = placesBeside(folder, ID);
  const moves = all.map((item, index): JournaledMove => {
    const live = join(folder, `item-${index}`);
    const staged = join(coming, "memory", "set", `item-${index}`);
    lay(live, item.old);
    lay(staged, item.new);
    return {
      component: "memory",
      how: "rename",
      live,
      going: item.old === null ? null : join(going, "memory", "set", `item-${index}`),
      coming: item.new === null ? null : staged,
      goingPrint: printOf(live),
      comingPrint: printOf(staged),
    };
  });
  const journal: RestoreJournal = {
    version: "1",
    id: ID,
    kind: "restore",
    backup: "2026-03-15T10-00-00_manual",
    safety: null,
    started_at: "2026-03-15T11:00:00.000Z",
    phase: "swapping",
    towards: "new",
    beside: [folder],
    moves,
    folders: [],
    others: [],
  };
  const open = OpenJournal.open(join(folder, "state"));
  open.begin(journal);
  setMarkers(journal);
  const rename = (from: string, to: string): void => {
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
  };
  for (const [index, { live, going: away, coming: staged }] of moves.entries()) {
    if (index > done || (index === done && !half)) break;
    if (away !== null) rename(live, away);
    if (staged !== null && index < done) rename(staged, live);
  }
  return { open, moves };
}

function leftovers(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name === MARKER || name.startsWith(".holdfast-new"));
}

describe("settle()", () => {
  it("makes everything old or everything new, wherever the swap was cut off", async () => {
    await fc.assert(
      fc.asyncProperty(items, fc.nat(6), fc.boolean(), async (all, cut, half) => {
        if (all.length === 0) return;
        using folder = temporaryFolder();
        const done = Math.min(cut, all.length);
        const { open, moves } = cutOff(folder.path, all, done, half);
        const { outcome } = await settle(open, ASKED);
        open[Symbol.dispose]();
        expect(moves.map(({ live }) => seen(live))).toEqual(all.map((item) => item[outcome]));
        if (done === all.length) expect(outcome).toBe("new");
        expect(readJournal(join(folder.path, "state"))).toBeNull();
        expect(leftovers(folder.path)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps both sets and asks when the swap was cut off half-way and something was written since; either answer holds", async () => {
    await fc.assert(
      fc.asyncProperty(items, fc.nat(4), fc.nat(4), fc.constantFrom("old" as const, "new" as const), async (all, cut, which, choice) => {
        if (all.length < 2) return;
        using folder = temporaryFolder();
        const done = 1 + (cut % (all.length - 1));
        const { open, moves } = cutOff(folder.path, all, done, false);
        const touched = moves[which % moves.length];
        if (touched === undefined) return;
        if (existsSync(touched.live) && statSync(touched.live).isDirectory())
          writeFileSync(join(touched.live, "by-the-runtime"), "precious");
        else appendFileSync(touched.live, "precious");
        const before = moves.map(({ live }) => seen(live));
        await expect(settle(open, ASKED)).rejects.toMatchObject({ code: "RESTORE_UNSETTLED" });
        expect(moves.map(({ live }) => seen(live))).toEqual(before);
        const { outcome } = await settle(open, { ...ASKED, choice });
        open[Symbol.dispose]();
        expect(outcome).toBe(choice);
        for (const [index, move] of moves.entries()) {
          if (move === touched) continue;
          expect(seen(move.live)).toEqual(all[index]?.[choice]);
        }
        // What the runtime wrote is somewhere: in place, or in one of the sets that are kept.
        expect(everything(folder.path)).toContain("precious");
        expect(keptRestores(join(folder.path, "state"))).toHaveLength(1);
        expect(existsSync(join(folder.path, MARKER))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it("leaves alone what the runtime wrote when no move was done: everything is old", async () => {
    using folder = temporaryFolder();
    const { open, moves } = cutOff(folder.path, [{ old: "a", new: "b" }], 0, false);
    appendFileSync(moves[0]?.live ?? "", " and more");
    expect(await settle(open, ASKED)).toMatchObject({ outcome: "old" });
    open[Symbol.dispose]();
    expect(seen(moves[0]?.live ?? "")).toBe("a and more");
  });

  it("goes back when going back was cut off before its first move", async () => {
    using folder = temporaryFolder();
    const { open, moves } = cutOff(folder.path, [{ old: "a", new: "b" }], 1, false);
    open.write({ towards: "old" });
    expect(await settle(open, ASKED)).toMatchObject({ outcome: "old" });
    open[Symbol.dispose]();
    expect(seen(moves[0]?.live ?? "")).toBe("a");
  });

  it("refuses a journal that it cannot understand, and changes nothing", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("state", "restore"), { recursive: true });
    writeFileSync(folder.join("state", "restore", "journal.json"), '{"version":"1","moves":');
    expect(() => OpenJournal.open(folder.join("state"))).toThrow(expect.objectContaining({ code: "JOURNAL_DAMAGED" }));
  });
});

describe("OpenJournal", () => {
  it("lets one restore run at a time", () => {
    using folder = temporaryFolder();
    using first = OpenJournal.open(folder.path);
    expect(first.pending).toBeNull();
    expect(() => OpenJournal.open(folder.path)).toThrow(expect.objectContaining({ code: "RESTORE_RUNNING" }));
  });
});

/** All texts below a folder, state and kept sets too. */
function everything(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}
