import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { KeptRecords } from "../../../test/support/kept-records.ts";
import { mountAt } from "../../../test/support/mount.ts";
import { testPlace, type TestPlace } from "../../../test/support/source-place.ts";
import type { KnownRecords, KnownState, Reading, ReadingEntry } from "../../vault/index.ts";
import { openReading } from "../open-reading.ts";
import type { ReadingRequest } from "../reading-request.ts";
import { isUntouched } from "./is-untouched.ts";
import { ROW_BYTES, ROWS, Rows } from "./rows.ts";
import { treeMemory, TreeNotes, type TreeMemory } from "./tree-memory.ts";

const HOUR = 3_600_000;
/** Ahead of the files: what was written just now is old enough to be believed. */
const FIRST = Date.now() + HOUR;

function knows(memory: KnownRecords | undefined, more: Partial<KnownState> = {}): KnownState {
  return {
    manifestSha256: "0".repeat(64),
    memory,
    newRecords: () => new KeptRecords(),
    whole: true,
    isDatabaseSame: () => true,
    hasDatabase: () => true,
    ...more,
  };
}

async function entriesOf(reading: Reading): Promise<readonly ReadingEntry[]> {
  return await Array.fromAsync(reading.entries());
}

/** Paths of the files that a vault which has them need not read. */
async function untouchedIn(reading: Reading): Promise<readonly string[]> {
  const batches = await Array.fromAsync(reading.batches?.() ?? []);
  return batches.flatMap((batch) => ("entries" in batch ? batch.entries.flatMap(({ path, type }) => (type === "file" ? [path] : [])) : []));
}

/** Reads a tree to its end, and gives what the next reading is told. */
async function remember(place: TestPlace, more: Partial<ReadingRequest> = {}): Promise<KnownRecords | undefined> {
  const records = new KeptRecords();
  const known = { ...(more.known ?? knows(undefined, { whole: false })), newRecords: () => records };
  const reading = await openReading(place.request({ now: FIRST, ...more, known }));
  try {
    await entriesOf(reading);
    await reading.confirm();
    const head = reading.memory?.();
    return head === undefined ? undefined : records.known(head);
  } finally {
    await reading.close();
  }
}

/** @param known of a reading, by whatever rules */
function treeMemoryOf(known: KnownRecords | undefined): TreeMemory {
  const { rules } = JSON.parse(Buffer.from(known?.head ?? []).toString("utf8")) as { rules: string };
  const memory = treeMemory(known, rules);
  if (memory === undefined) throw new Error("Not a memory");
  return memory;
}

interface Seen {
  readonly untouched: boolean;
  /** Paths of the files that need not be read; undefined when nothing was asked for. */
  readonly files: readonly string[] | undefined;
}

async function again(place: TestPlace, memory: KnownRecords | undefined, more: Partial<ReadingRequest> = {}): Promise<Seen> {
  const reading = await openReading(place.request({ now: FIRST + HOUR, known: knows(memory), ...more }));
  try {
    if (reading.untouched === true) return { untouched: true, files: undefined };
    return {
      untouched: false,
      files: await untouchedIn(reading),
    };
  } finally {
    await reading.close();
  }
}

function fill(place: TestPlace): void {
  mkdirSync(join(place.state, "a", "b"), { recursive: true });
  for (const name of ["one.md", "two.md", "a/three.md", "a/b/four.md", "left.tmp"])
    writeFileSync(join(place.state, name), `text of ${name}`);
  symlinkSync("one.md", join(place.state, "link"));
}

const RULES: Partial<ReadingRequest> = { exclude: ["*.tmp"] };
const ALL = ["a/b/four.md", "a/three.md", "one.md", "two.md"];

describe("openReading() of a tree that was read before", () => {
  it("finds it untouched, and asks nothing of it", async () => {
    using place = testPlace();
    fill(place);
    const memory = await remember(place, RULES);
    expect(await again(place, memory, RULES)).toEqual({ untouched: true, files: undefined });
  });

  const changes: readonly (readonly [string, (place: TestPlace) => void, readonly string[]])[] = [
    ["a file was written", (place) => writeFileSync(join(place.state, "one.md"), "other text"), ALL.filter((path) => path !== "one.md")],
    [
      "a file was written and its times were set back",
      (place) => {
        writeFileSync(join(place.state, "two.md"), "text of 2.md");
        utimesSync(join(place.state, "two.md"), 1_600_000_000, 1_600_000_000);
      },
      ALL.filter((path) => path !== "two.md"),
    ],
    ["a mode changed", (place) => chmodSync(join(place.state, "a", "three.md"), 0o600), ALL.filter((path) => path !== "a/three.md")],
    ["a folder's mode changed", (place) => chmodSync(join(place.state, "a", "b"), 0o700), ALL],
    ["the tree's own mode changed", (place) => chmodSync(place.state, 0o700), ALL],
    ["a file came", (place) => writeFileSync(join(place.state, "a", "new.md"), "new"), ALL],
    [
      "a file came and the time of its folder was set back",
      (place) => {
        const folder = join(place.state, "a", "b");
        const { atime, mtime } = statSync(folder);
        writeFileSync(join(folder, "new.md"), "new");
        utimesSync(folder, atime, mtime);
      },
      ALL,
    ],
    ["a file went", (place) => unlinkSync(join(place.state, "a", "b", "four.md")), ALL.filter((path) => path !== "a/b/four.md")],
    [
      "two files changed names",
      (place) => {
        renameSync(join(place.state, "one.md"), join(place.state, "x"));
        renameSync(join(place.state, "two.md"), join(place.state, "one.md"));
        renameSync(join(place.state, "x"), join(place.state, "two.md"));
      },
      ["a/b/four.md", "a/three.md"],
    ],
    [
      "a link points elsewhere",
      (place) => {
        unlinkSync(join(place.state, "link"));
        symlinkSync("two.md", join(place.state, "link"));
      },
      ALL,
    ],
    [
      "what was left out is a folder now",
      (place) => {
        unlinkSync(join(place.state, "left.tmp"));
        mkdirSync(join(place.state, "left.tmp"));
      },
      ALL,
    ],
    ["a FIFO came, which is told", (place) => void execFileSync("mkfifo", [join(place.state, "pipe")]), ALL],
  ];
  it.each(changes)("notices when %s, and reads no other file", async (_, change, untouched) => {
    using place = testPlace();
    fill(place);
    const memory = await remember(place, RULES);
    change(place);
    expect(await again(place, memory, RULES)).toEqual({ untouched: false, files: untouched });
  });

  it("lists the folders of a file system on which a name may come without a trace in their times", async (context) => {
    using place = testPlace();
    const layers = ["lower", "other", "upper", "work"].map((name) => join(place.folder, name));
    for (const layer of layers) mkdirSync(layer);
    const [lower, other = "", upper, work] = layers;
    const over = (below: string | undefined): Disposable =>
      mountAt(place.state, ["-t", "overlay", "-o", `lowerdir=${below},upperdir=${upper},workdir=${work}`, "holdfast-test"], context);
    let memory: KnownRecords | undefined;
    {
      using _ = over(lower);
      writeFileSync(join(place.state, "one.md"), "text of one.md");
      memory = await remember(place);
      expect((await again(place, memory)).untouched).toBe(true);
    }
    writeFileSync(join(other, "two.md"), "text of two.md");
    using _ = over(other);
    expect((await again(place, memory)).untouched).toBe(false);
  });

  it("lists a folder that looks as it did once in seven days, and where times are kept no more often", async () => {
    using place = testPlace();
    mkdirSync(join(place.state, "sub", "empty"), { recursive: true });
    writeFileSync(join(place.state, "one.md"), "text");
    const memory = await remember(place);
    if (memory === undefined) throw new Error("Nothing is remembered");
    // As if the folder had kept its times.
    writeFileSync(join(place.state, "sub", "empty", "new.md"), "new");
    const { folders } = JSON.parse(Buffer.from(memory.head).toString("utf8")) as { folders: readonly { path: string; at: number }[] };
    const sub = folders.find(({ path }) => path === "sub");
    const read = (at: number, length: number): Uint8Array | undefined => {
      const bytes = memory.read(at, length);
      if (bytes === undefined || at !== sub?.at || length === 0) return bytes;
      const rows = new Rows(1, bytes.subarray(0, ROW_BYTES));
      rows.note(0, ROWS.folder, lstatSync(join(place.state, "sub", "empty"), { bigint: true }), FIRST);
      return Buffer.concat([rows.bytes, bytes.subarray(ROW_BYTES)]);
    };
    writeFileSync(join(place.state, "one.md"), "other text");
    const pathsAt = async (now: number): Promise<readonly string[]> => {
      const reading = await openReading(place.request({ now, known: knows({ ...memory, read }) }));
      try {
        return (await entriesOf(reading)).map(({ head }) => head.path);
      } finally {
        await reading.close();
      }
    };
    expect(await pathsAt(FIRST + HOUR)).toEqual([".", "one.md", "sub", "sub/empty"]);
    expect(await pathsAt(FIRST + 7 * 24 * HOUR)).toEqual([".", "one.md", "sub", "sub/empty", "sub/empty/new.md"]);
    // However often it was found untouched meanwhile.
    const second = await remember(place, { now: FIRST + HOUR, known: knows({ ...memory, read }) });
    expect((await again(place, second, { now: FIRST + 2 * HOUR })).untouched).toBe(true);
    expect((await again(place, second, { now: FIRST + 7 * 24 * HOUR })).untouched).toBe(false);
  });

  it("looks at the tag of a cache whose folder looks as it did", async () => {
    using place = testPlace();
    const cache = join(place.state, "cache");
    mkdirSync(cache);
    const tag = join(cache, "CACHEDIR.TAG");
    writeFileSync(tag, "Signature: 8a477f597d28d172789f06886806bc55");
    writeFileSync(join(cache, "big"), "big");
    const rules = { excludeCaches: true };
    const memory = await remember(place, rules);
    writeFileSync(tag, "no tag any more");
    const reading = await openReading(place.request({ now: FIRST + HOUR, ...rules, known: knows(memory) }));
    expect((await entriesOf(reading)).map(({ head }) => head.path)).toEqual([".", "cache", "cache/CACHEDIR.TAG", "cache/big"]);
    await reading.close();
  });

  it("lists every folder where their times are not to be believed", async () => {
    using place = testPlace();
    mkdirSync(join(place.state, "empty"));
    const memory = treeMemoryOf(await remember(place));
    const look = { root: place.state, stats: lstatSync(place.state, { bigint: true }), now: FIRST + HOUR, isKnown: () => true };
    expect(isUntouched(memory, { ...look, keepsTimes: true })).toBe(true);
    expect(isUntouched(memory, { ...look, keepsTimes: false })).toBe(true);
    // As if the folder had kept its times.
    writeFileSync(join(place.state, "empty", "new.md"), "new");
    const [root, ...others] = memory.folders;
    const record = root?.read();
    record?.rows.note(0, ROWS.folder, lstatSync(join(place.state, "empty"), { bigint: true }), FIRST);
    const kept = { ...memory, folders: [{ path: ".", count: 1, isAll: true, read: () => record }, ...others] };
    expect(isUntouched(kept, { ...look, keepsTimes: true })).toBe(true);
    expect(isUntouched(kept, { ...look, keepsTimes: false })).toBe(false);
  });

  it("tells where a file lay that has another path now, and of one that is new nothing", async () => {
    using place = testPlace();
    fill(place);
    const memory = await remember(place, RULES);
    renameSync(join(place.state, "a", "b"), join(place.state, "a", "c"));
    renameSync(join(place.state, "one.md"), join(place.state, "a", "one.md"));
    // The name is there as it was, and is another file's now.
    renameSync(join(place.state, "a", "three.md"), join(place.state, "two.md"));
    const later = { now: FIRST + HOUR, known: knows(memory), ...RULES };
    const movedIn = async (): Promise<Record<string, string>> => {
      const reading = await openReading(place.request(later));
      try {
        const entries = await entriesOf(reading);
        return Object.fromEntries(entries.flatMap(({ head, movedFrom }) => (movedFrom === undefined ? [] : [[head.path, movedFrom]])));
      } finally {
        await reading.close();
      }
    };
    expect(await movedIn()).toEqual({ "a/c/four.md": "a/b/four.md", "a/one.md": "one.md", "two.md": "a/three.md" });
    expect(treeMemoryOf(memory).pathOf(lstatSync(place.state, { bigint: true }).ino)).toBeUndefined();
  });

  it("takes no file that was made since for one that was there, whatever its inode is", async () => {
    using place = testPlace();
    fill(place);
    // Begun before any of the files was made.
    const memory = await remember(place, { ...RULES, now: FIRST - 2 * HOUR });
    renameSync(join(place.state, "one.md"), join(place.state, "other.md"));
    const reading = await openReading(place.request({ now: FIRST, known: knows(memory), ...RULES }));
    try {
      expect((await entriesOf(reading)).every(({ movedFrom }) => movedFrom === undefined)).toBe(true);
    } finally {
      await reading.close();
    }
  });

  it("does not mind what becomes of a file that is left out", async () => {
    using place = testPlace();
    fill(place);
    const memory = await remember(place, RULES);
    writeFileSync(join(place.state, "left.tmp"), "other text");
    expect((await again(place, memory, RULES)).untouched).toBe(true);
  });

  it("believes nothing by other rules, of another tree, of a memory that is damaged, or where the vault does not have it all", async () => {
    using place = testPlace();
    fill(place);
    const memory = await remember(place, RULES);
    expect(await again(place, memory, { exclude: ["*.log"] })).toEqual({ untouched: false, files: [] });
    if (memory === undefined) throw new Error("Nothing is remembered");
    const nothing = { untouched: false, files: [] };
    expect(await again(place, { ...memory, head: memory.head.subarray(0, 90) }, RULES)).toEqual(nothing);
    expect(await again(place, { ...memory, read: () => undefined }, RULES)).toEqual(nothing);
    expect(
      await again(place, { ...memory, read: (at, length) => Buffer.from(memory.read(at, length) ?? []).fill(0, 0, 1) }, RULES),
    ).toMatchObject({
      untouched: false,
    });
    expect(await again(place, { ...memory, read: (at, length) => memory.read(at, length - 30) }, RULES)).toEqual(nothing);
    expect(await again(place, undefined, RULES)).toEqual({ untouched: false, files: [] });
    expect(await again(place, memory, { ...RULES, known: knows(memory, { whole: false }) })).toEqual({ untouched: false, files: ALL });
    renameSync(join(place.state, "a"), join(place.state, "c"));
    mkdirSync(join(place.state, "a"));
    expect(await again(place, memory, RULES)).toEqual({ untouched: false, files: ["one.md", "two.md"] });
  });

  it.each([
    [{ include: ["*.md", "*.txt"] }, "a.txt", []],
    [{ exclude: ["*.md", "!one.md"] }, "a.txt", []],
    [{ include: ["*.md", "*.none"] }, "one.md", ['The include pattern "*.none" matches nothing']],
  ])("tells of %o what a walk tells that remembers nothing", async (patterns, changed, warnings) => {
    using place = testPlace();
    fill(place);
    writeFileSync(join(place.state, "a.txt"), "x");
    const memory = await remember(place, patterns);
    writeFileSync(join(place.state, changed), "other");
    const reading = await openReading(place.request({ now: FIRST + HOUR, ...patterns, known: knows(memory) }));
    await entriesOf(reading);
    expect(reading.report().warnings).toEqual(warnings);
    await reading.close();
  });

  it.each([
    [{ exclude: ["*.bad"] }, []],
    [{}, ["sub/\\xff.bad"]],
  ])("tells by %o of a name that is not UTF-8 in a folder that looks as it did, and of a socket beside it", async (rules, omitted) => {
    using place = testPlace();
    const sub = join(place.state, "sub");
    mkdirSync(sub);
    execFileSync("mkfifo", [join(sub, "pipe")]);
    writeFileSync(Buffer.concat([Buffer.from(`${sub}/`), Buffer.from([0xff]), Buffer.from(".bad")]), "x");
    const memory = await remember(place, rules);
    writeFileSync(join(place.state, "new"), "new");
    const reading = await openReading(place.request({ now: FIRST + HOUR, ...rules, known: knows(memory) }));
    await entriesOf(reading);
    const { warnings, omissions } = reading.report();
    expect(warnings).toEqual([]);
    expect(omissions.map(({ path }) => path).toSorted()).toEqual([...omitted, "sub/pipe"].toSorted());
    await reading.close();
  });

  it("reads everything again after seven days, and when the clock went backwards", async () => {
    using place = testPlace();
    fill(place);
    const memory = await remember(place, RULES);
    const nothing = { untouched: false, files: [] };
    expect(await again(place, memory, { ...RULES, now: FIRST + 7 * 24 * HOUR })).toEqual(nothing);
    expect(await again(place, memory, { ...RULES, now: FIRST - HOUR })).toEqual(nothing);
    expect((await again(place, memory, { ...RULES, now: FIRST + 7 * 24 * HOUR - 1 })).untouched).toBe(true);
  });

  it("counts the seven days from when a file was read, however often it was found untouched", async () => {
    using place = testPlace();
    fill(place);
    const memory = await remember(place, RULES);
    writeFileSync(join(place.state, "one.md"), "other text");
    const second = await remember(place, { ...RULES, now: FIRST + 24 * HOUR, known: knows(memory) });
    const late = { ...RULES, now: FIRST + 7 * 24 * HOUR + HOUR };
    expect(await again(place, second, late)).toEqual({ untouched: false, files: ["one.md"] });
  });

  it("does not believe times of the two minutes before the backup", async () => {
    using place = testPlace();
    fill(place);
    const soon = Date.now() + 60_000;
    const memory = await remember(place, { ...RULES, now: soon });
    expect(await again(place, memory, { ...RULES, now: soon + HOUR })).toEqual({ untouched: false, files: [] });
  });

  it("asks the vault about every database in it", async () => {
    using place = testPlace();
    fill(place);
    const database = new DatabaseSync(join(place.state, "a", "state.db"));
    database.exec("PRAGMA journal_mode=DELETE; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    database.close();
    const records = new KeptRecords();
    const nothing = knows(undefined, { whole: false, newRecords: () => records });
    const first = await openReading(place.request({ now: FIRST, known: nothing, ...RULES }));
    await entriesOf(first);
    await first.confirm();
    const { databases } = first.report();
    const memory = records.known(first.memory?.() ?? new Uint8Array(0));
    await first.close();
    const details = new Map(Object.entries(databases ?? {}));
    const remembered = { single: false, paths: new Set(details.keys()) };
    const asked: string[] = [];
    const ask = (path: string): boolean => asked.push(path) > 0;
    const known = knows(memory, { isDatabaseSame: ask });
    const reading = await openReading(place.request({ ...RULES, now: FIRST + HOUR, known, quickCheckBefore: details, remembered }));
    expect(reading).toMatchObject({ untouched: true });
    expect(reading.report().databases).toMatchObject({ "a/state.db": { quick_check: "skipped" } });
    expect(asked).toEqual(["a/state.db"]);
    await reading.close();
    const other = knows(memory, { isDatabaseSame: () => false, hasDatabase: () => false });
    expect((await again(place, memory, { ...RULES, known: other, quickCheckBefore: details, remembered })).untouched).toBe(false);
  });

  it("remembers nothing of a tree with more paths of folders than one text holds", () => {
    const notes = new TreeNotes(FIRST, new KeptRecords());
    const told = { rules: "", root: "", plain: true, warnings: [] };
    const path = "x".repeat(4000);
    for (let folder = 0; folder < 16_000; folder += 1) notes.folder(path, [], true).end();
    expect(notes.toHead(told)).toBeInstanceOf(Buffer);
    for (let folder = 0; folder < 1000; folder += 1) notes.folder(path, [], true).end();
    expect(notes.toHead(told)).toBeUndefined();
  });

  it.each(["null", "{}", '{"version":2,"rules":""}', '{"version":2,"rules":"","folders":[]}', "["])("takes %s for no memory", (head) => {
    expect(treeMemory(new KeptRecords().known(Buffer.from(head)), "")).toBeUndefined();
  });

  it("remembers nothing of what is copied under a pause", async () => {
    using place = testPlace();
    fill(place);
    expect(await remember(place, { ...RULES, cut: true })).toBeUndefined();
    rmSync(join(place.state, "a"), { recursive: true });
  });
});
