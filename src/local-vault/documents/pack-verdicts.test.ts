import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { tryFileLock } from "../../kernel/index.ts";
import type { PackVerdict } from "../../vault/index.ts";
import { layoutOf, type Layout } from "../layout.ts";
import { packVerdictsOf } from "./pack-verdicts.ts";

const NOBODY: ReadonlySet<string> = new Set();
const MONDAY = "2026-03-16T06:00:00.000Z";
const TUESDAY = "2026-03-17T06:00:00.000Z";

function nameOf(number: number): string {
  return number.toString(16).padStart(64, "0");
}

function wholeAt(at: string, ...numbers: readonly number[]): Map<string, PackVerdict> {
  return new Map(numbers.map((number) => [nameOf(number), { at, problem: null }]));
}

function stage(): Disposable & { readonly layout: Layout } {
  const folder = temporaryFolder();
  const layout = layoutOf(folder.path, []);
  mkdirSync(layout.own);
  return { layout, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe("packVerdictsOf()", () => {
  it("keep() adds what a run found to what was kept, and forgets what is gone", async () => {
    using at = stage();
    const verdicts = packVerdictsOf(at.layout);
    expect(verdicts.read()).toEqual({ verdicts: new Map(), problem: null });
    await verdicts.keep(wholeAt(MONDAY, 1, 2, 3), NOBODY);
    const damaged = { at: TUESDAY, problem: 'Pack "3" is missing' };
    await verdicts.keep(new Map([...wholeAt(TUESDAY, 2), [nameOf(3), damaged]]), new Set([nameOf(1)]));
    const kept = new Map([...wholeAt(TUESDAY, 2), [nameOf(3), damaged]]);
    expect(packVerdictsOf(at.layout).read()).toEqual({ verdicts: kept, problem: null });
    expect(statSync(at.layout.packVerdicts).mode & 0o777).toBe(0o600);
    expect(readdirSync(at.layout.own).toSorted()).toEqual(["packs.json", "packs.lock"]);
  });

  it("keep() loses nothing of runs that end at the same time", async () => {
    using at = stage();
    const numbers = Array.from({ length: 12 }, (_, number) => number);
    await Promise.all(numbers.map(async (number) => await packVerdictsOf(at.layout).keep(wholeAt(MONDAY, number), NOBODY)));
    expect(packVerdictsOf(at.layout).read().verdicts).toEqual(wholeAt(MONDAY, ...numbers));
  });

  it("keep() gives up by name when somebody else does not let go, and changes nothing", async () => {
    using at = stage();
    await packVerdictsOf(at.layout).keep(wholeAt(MONDAY, 1), NOBODY);
    using _ = tryFileLock(at.layout.packVerdictsLock, "write");
    await expect(packVerdictsOf(at.layout).keep(wholeAt(MONDAY, 2), NOBODY)).rejects.toMatchObject({ code: "VAULT_BUSY" });
    expect(packVerdictsOf(at.layout).read().verdicts).toEqual(wholeAt(MONDAY, 1));
  });

  it("has thousands of packs in less than 70 bytes each", async () => {
    using at = stage();
    const numbers = Array.from({ length: 5000 }, (_, number) => number);
    await packVerdictsOf(at.layout).keep(wholeAt(MONDAY, ...numbers), NOBODY);
    expect(statSync(at.layout.packVerdicts).size).toBeLessThan(70 * numbers.length);
    expect(packVerdictsOf(at.layout).read().verdicts.size).toBe(numbers.length);
  });

  it.each([
    ["cut short", (text: string) => text.slice(0, -20), /not a JSON document/],
    ["empty", () => "", /not a JSON document/],
    ["of another version", (text: string) => text.replace('"1"', '"2"'), /"version" must be one of 1/],
    ["with a name that is none", (text: string) => text.replace(nameOf(1), "../../etc/passwd"), /must hold names of packs/],
    ["with a time that is none", (text: string) => text.replace(MONDAY, "yesterday"), /must be a UTC instant/],
    ["without a list", (text: string) => text.replace('"damaged":[]', '"damaged":7'), /must be a list/],
  ])("read() knows no verdict of a document %s, and says why; keep() begins anew", async (_what, harm, problem) => {
    using at = stage();
    await packVerdictsOf(at.layout).keep(wholeAt(MONDAY, 1), NOBODY);
    writeFileSync(at.layout.packVerdicts, harm(readFileSync(at.layout.packVerdicts, "utf8")));
    expect(packVerdictsOf(at.layout).read()).toEqual({ verdicts: new Map(), problem: expect.stringMatching(problem) });
    await packVerdictsOf(at.layout).keep(wholeAt(TUESDAY, 2), NOBODY);
    expect(packVerdictsOf(at.layout).read()).toEqual({ verdicts: wholeAt(TUESDAY, 2), problem: null });
  });

  it("read() knows no verdict where the document is a folder, and says why", () => {
    using at = stage();
    mkdirSync(at.layout.packVerdicts);
    expect(packVerdictsOf(at.layout).read()).toEqual({ verdicts: new Map(), problem: expect.stringContaining("EISDIR") });
    rmSync(at.layout.packVerdicts, { recursive: true });
  });
});
