import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { OpenPageFile, pagesPerStretch, type PageFile } from "../cache/page-file.ts";
import type { PackId } from "../pack/locator.ts";
import type { PagePlaces } from "../tree/resolved-map.ts";
import { hashStoredPages } from "./hash-stored-pages.ts";

const PAGE = 65_536;
const KEY = randomBytes(32);
const STRETCHES = 9;

/** A database of zeros, each stretch of which lies in one frame. */
function stage(folder: TemporaryFolder): { readonly file: PageFile; readonly map: PagePlaces } {
  const file: PageFile = { path: folder.join("pages"), key: KEY, name: "one", pageSize: PAGE, pages: STRETCHES * pagesPerStretch(PAGE) };
  writeFileSync(file.path, "", { mode: 0o600 });
  const pack = "0011223344556677" as PackId;
  const map: PagePlaces = {
    pageSize: PAGE,
    extents: (from = 0, to = file.pages) => [{ first: from, pages: to - from, pack, frame: 0, offset: 0 }],
  };
  return { file, map };
}

const zeros = ({ length }: { readonly length: number }): Uint8Array => new Uint8Array(length);

describe("hashStoredPages()", () => {
  it("writes down every stretch, and lets others come in between", async () => {
    using folder = temporaryFolder();
    const { file, map } = stage(folder);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    try {
      expect(await hashStoredPages(file, map, KEY, zeros, () => {})).toBe(true);
    } finally {
      clearInterval(timer);
    }
    expect(turns).toBeGreaterThan(0);
    using opened = OpenPageFile.open(file, "r");
    expect(opened?.isWhole()).toBe(true);
  });

  it("ends when the backup is to end", async () => {
    using folder = temporaryFolder();
    const { file, map } = stage(folder);
    const stopping = new AbortController();
    setTimeout(() => stopping.abort(new Error("stopped")), 0);
    await expect(hashStoredPages(file, map, KEY, zeros, () => stopping.signal.throwIfAborted())).rejects.toThrow("stopped");
    using opened = OpenPageFile.open(file, "r");
    expect(opened?.isWhole()).toBe(false);
  });
});
