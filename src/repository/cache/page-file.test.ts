import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { makePageHashes, type PageHashes } from "../split/page-hashes.ts";
import { OpenPageFile, pagesPerStretch, type PageFile } from "./page-file.ts";

const KEY = randomBytes(32);

function randomHashes(pageSize: number, pages: number): PageHashes {
  const state = makePageHashes(pageSize, pages);
  randomBytes(state.macs.length).copy(state.macs);
  randomBytes(state.hashes.length).copy(state.hashes);
  return state;
}

/** Three stretches, the last one not full; written in another order. */
function written(path: string, pageSize = 4096): { readonly file: PageFile; readonly states: readonly PageHashes[] } {
  const file: PageFile = { path, key: KEY, name: "one", pageSize, pages: 2 * pagesPerStretch(pageSize) + 5 };
  writeFileSync(path, "", { mode: 0o600 });
  using open = OpenPageFile.open(file, "r+");
  const states = [0, 1, 2].map((stretch) => randomHashes(pageSize, open?.pagesOf(stretch) ?? 0));
  for (const stretch of [2, 0, 1]) expect(open?.write(stretch, states[stretch] as PageHashes)).toBe(true);
  return { file, states };
}

function read(file: PageFile, stretch: number): PageHashes | undefined {
  using open = OpenPageFile.open(file, "r");
  return open?.read(stretch);
}

function isWhole(file: PageFile): boolean | undefined {
  using open = OpenPageFile.open(file, "r");
  return open?.isWhole();
}

describe("OpenPageFile", () => {
  it.each([512, 4096, 65_536])("gives back what was written of a database of %i byte pages, stretch by stretch", (pageSize) => {
    using folder = temporaryFolder();
    const { file, states } = written(folder.join("a"), pageSize);
    for (const [stretch, state] of states.entries()) {
      const { macs, hashes, pages } = read(file, stretch) ?? makePageHashes(pageSize, 0);
      expect(pages).toBe(state.pages);
      expect(Buffer.from(macs).equals(state.macs) && Buffer.from(hashes).equals(state.hashes)).toBe(true);
    }
    expect(states[2]?.pages).toBe(5);
    expect(read(file, 3)).toBeUndefined();
    expect(isWhole(file)).toBe(true);
  });

  it("gives nothing of a stretch of another key or place, that was changed or never written", () => {
    using folder = temporaryFolder();
    const { file } = written(folder.join("a"));
    const other = { ...file, key: randomBytes(32) };
    expect(read(other, 0)).toBeUndefined();
    expect(isWhole(other)).toBe(false);
    const whole = readFileSync(file.path);
    const length = (whole.length - (28 + 5 * 16 + 16 + 32)) / 2;
    writeFileSync(file.path, Buffer.concat([whole.subarray(length, 2 * length), whole.subarray(0, length), whole.subarray(2 * length)]));
    expect([0, 1, 2].map((stretch) => read(file, stretch) === undefined)).toEqual([true, true, false]);
    for (const at of [0, length - 1, length + 100, 2 * length, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(file.path, changed);
      expect([0, 1, 2].filter((stretch) => read(file, stretch) === undefined)).toEqual([Math.min(2, Math.floor(at / length))]);
      expect(isWhole(file)).toBe(false);
    }
    writeFileSync(file.path, whole);
    truncateSync(file.path, 2 * length + 10);
    expect([0, 1, 2].map((stretch) => read(file, stretch) === undefined)).toEqual([false, false, true]);
  });

  it("is none where there is no such file, and says what could not be written", () => {
    using folder = temporaryFolder();
    const { file, states } = written(folder.join("a"));
    expect(OpenPageFile.open(undefined, "r")).toBeUndefined();
    expect(OpenPageFile.open({ ...file, path: folder.join("none") }, "r+")).toBeUndefined();
    mkdirSync(folder.join("folder"));
    // As a bad sector does, it opens and cannot be read.
    expect(read({ ...file, path: folder.join("folder") }, 0)).toBeUndefined();
    expect(isWhole({ ...file, path: folder.join("folder") })).toBe(false);
    symlinkSync("/dev/full", folder.join("full"));
    using full = OpenPageFile.open({ ...file, path: folder.join("full") }, "r+");
    expect(full?.write(0, states[0] as PageHashes)).toBe(false);
  });

  it("does not show what it holds", () => {
    using folder = temporaryFolder();
    const { file, states } = written(folder.join("a"));
    const bytes = readFileSync(file.path);
    for (const { hashes } of states) expect(bytes.includes(Buffer.from(hashes.subarray(0, 16)))).toBe(false);
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
  });
});
