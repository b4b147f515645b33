import { appendFileSync, chmodSync, linkSync, renameSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KeptRecords } from "../../../test/support/kept-records.ts";
import { testPlace, type TestPlace } from "../../../test/support/source-place.ts";
import type { KnownRecords, KnownState } from "../../vault/index.ts";
import { openReading } from "../open-reading.ts";
import type { ReadingRequest } from "../reading-request.ts";

const HOUR = 3_600_000;
/** Ahead of the files: what was written just now is old enough to be believed. */
const FIRST = Date.now() + HOUR;

interface Read {
  readonly untouched: boolean;
  readonly paths: readonly string[];
  readonly memory: KnownRecords | undefined;
}

async function read(
  place: TestPlace,
  memory: KnownRecords | undefined,
  more: Partial<ReadingRequest> = {},
  told: Partial<KnownState> = {},
): Promise<Read> {
  const records = new KeptRecords();
  const known: KnownState = {
    manifestSha256: "0".repeat(64),
    memory,
    newRecords: () => records,
    whole: true,
    isDatabaseSame: () => false,
    hasDatabase: () => false,
    ...told,
  };
  const reading = await openReading(place.request({ now: FIRST, known, ...more }));
  try {
    const entries = reading.untouched === true ? [] : await Array.fromAsync(reading.entries());
    await reading.confirm();
    const head = reading.memory?.();
    return {
      untouched: reading.untouched === true,
      paths: entries.map(({ head: { path } }) => path),
      memory: head === undefined ? undefined : records.known(head),
    };
  } finally {
    await reading.close();
  }
}

const CASES = [
  { kind: "file", name: "a.bin", text: "bytes" },
  { kind: "json", name: "a.json", text: '{"a":1}\n' },
  { kind: "log", name: "a.log", text: "line\n" },
] as const;

describe.each(CASES)("openReading() of a $kind that was read before", ({ kind, name, text }) => {
  const later = (path: string, more: Partial<ReadingRequest> = {}): Partial<ReadingRequest> => ({
    path,
    kind,
    now: FIRST + HOUR,
    ...more,
  });

  it("finds it untouched, and asks nothing of it", async () => {
    using place = testPlace();
    const path = join(place.state, name);
    writeFileSync(path, text);
    const first = await read(place, undefined, { path, kind });
    expect(first).toMatchObject({ untouched: false, paths: [name] });
    expect(first.memory).toBeDefined();
    expect(await read(place, first.memory, later(path))).toMatchObject({ untouched: true, paths: [] });
  });

  it.each([
    ["it was written and its times were set back", (path: string) => (writeFileSync(path, text), utimesSync(path, 1e9, 1e9))],
    ["its mode changed", (path: string) => chmodSync(path, 0o640)],
    ["it was replaced by the same bytes", (path: string) => (writeFileSync(`${path}.new`, text), renameSync(`${path}.new`, path))],
    ["it grew", (path: string) => appendFileSync(path, " \n")],
    ["it has another name besides", (path: string) => linkSync(path, `${path}.other`)],
  ])("reads it when %s", async (_, change) => {
    using place = testPlace();
    const path = join(place.state, name);
    writeFileSync(path, text);
    const { memory } = await read(place, undefined, { path, kind });
    change(path);
    expect(await read(place, memory, later(path))).toMatchObject({ untouched: false, paths: [name] });
  });

  it("reads it under another name, as another kind, after seven days, when it is younger than two minutes, and where the vault lacks it", async () => {
    using place = testPlace();
    const path = join(place.state, name);
    writeFileSync(path, text);
    const link = join(place.state, `link-${name}`);
    symlinkSync(name, link);
    const { memory } = await read(place, undefined, { path, kind });
    const others = CASES.filter((other) => other.kind !== kind);
    for (const more of [
      later(link),
      later(path, { now: FIRST + 7 * 24 * HOUR }),
      later(path, { now: FIRST - HOUR }),
      ...(kind === "json" ? others.map((other) => later(path, { kind: other.kind })) : []),
    ])
      expect(await read(place, memory, more)).toMatchObject({ untouched: false });
    expect(await read(place, memory, later(path), { whole: false })).toMatchObject({ untouched: false, paths: [name] });
    expect(await read(place, { head: Buffer.alloc(3), read: () => undefined }, later(path))).toMatchObject({ untouched: false });
    const young = await read(place, undefined, { path, kind, now: statSync(path).mtimeMs + 60_000 });
    expect(await read(place, young.memory, later(path))).toMatchObject({ untouched: false });
  });

  it("remembers nothing of what is read under a pause, or salvaged", async () => {
    using place = testPlace();
    const path = join(place.state, name);
    writeFileSync(path, text);
    expect((await read(place, undefined, { path, kind, cut: true })).memory).toBeUndefined();
    const { memory } = await read(place, undefined, { path, kind });
    expect((await read(place, memory, later(path, { cut: true }))).untouched).toBe(false);
    expect((await read(place, memory, later(path, { raw: "inside" }))).untouched).toBe(false);
  });
});

describe("openReading() of a log", () => {
  it("reads one again of which the last line was not whole", async () => {
    using place = testPlace();
    const path = join(place.state, "a.log");
    writeFileSync(path, "whole\nhalf");
    const now = statSync(path).mtimeMs;
    expect((await read(place, undefined, { path, kind: "log", now })).memory).toBeUndefined();
  });
});
