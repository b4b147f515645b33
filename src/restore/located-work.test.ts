import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutWork, PART_BYTES, type NearFile, type Work } from "./located-work.ts";
import { STEP_BYTES } from "./write-located.ts";

const MEGABYTE = 1024 * 1024;

function near(path: string, size: number, at: string | undefined): NearFile {
  const facts = { mode: 0o644, owner: null, mtime_ns: "0", sparse: false };
  return { near: at, divisible: false, file: { path, facts, size, proof: { sha256: "" }, at: null, check: false } };
}

async function* given(files: readonly NearFile[]): AsyncGenerator<NearFile> {
  for (const file of files) yield file;
}

function cut(...files: readonly NearFile[]): Promise<readonly Work[]> {
  return Array.fromAsync(cutWork(given(files)));
}

function pathsOf(work: Work): readonly string[] {
  return work.flatMap((step) =>
    step.kind === "files" ? step.files.map(({ path }) => path) : step.kind === "begin" ? [step.file.path] : [],
  );
}

describe("cutWork()", () => {
  it("puts together what lies in one place, also when other files come in between", async () => {
    const files = [near("a", 3 * MEGABYTE, "one"), near("b", MEGABYTE, "two"), near("c", MEGABYTE, "one"), near("d", 2 * MEGABYTE, "two")];
    expect((await cut(...files)).map(pathsOf)).toEqual([
      ["a", "c"],
      ["b", "d"],
    ]);
  });

  it("gives a large file to one thread, at once, in as many steps as its bytes and its end take", async () => {
    const works = await cut(near("small", 1, "one"), near("large", 3 * STEP_BYTES, undefined), near("whole", 100, undefined));
    expect(works.map(pathsOf)).toEqual([["large"], ["whole"], ["small"]]);
    expect(works.map((work) => work.map(({ kind }) => kind))).toEqual([["begin", "go-on", "go-on", "go-on"], ["begin"], ["files"]]);
    const numbers = works.flatMap((work) => work.flatMap((step) => ("number" in step ? [step.number] : [])));
    expect(numbers).toEqual([1, 1, 1, 1, 2]);
  });

  it.each([
    [2 * PART_BYTES, [PART_BYTES, 2 * PART_BYTES]],
    [2 * PART_BYTES + 1, [PART_BYTES, 2 * PART_BYTES, 2 * PART_BYTES + 1]],
    [PART_BYTES, [undefined]],
  ])("gives a database of %i bytes to threads in parts, each in as many steps as it takes", async (size, ends) => {
    const whole = near("db", size, undefined);
    const divisible: NearFile = { ...whole, divisible: true, file: { ...whole.file, proof: { pages_sha256: "" } } };
    const works = await cut(divisible);
    const begun = works.map(([step]) => (step?.kind === "begin" ? [step.number, step.part] : []));
    const parts = ends.length;
    expect(begun).toEqual(ends.map((to, index) => [index + 1, to === undefined ? undefined : { parts, from: index * PART_BYTES, to }]));
    for (const [index, work] of works.entries()) {
      const bytes = (ends[index] ?? size) - index * PART_BYTES;
      expect(work.length).toBe(Math.floor(bytes / STEP_BYTES) + 1);
    }
  });

  it("gives to one thread what has a hash of all its bytes in a row, or cannot be divided", async () => {
    const whole = near("db", 3 * PART_BYTES, undefined);
    const both = { ...whole.file, proof: { sha256: "", pages_sha256: "" } };
    for (const one of [whole, { ...whole, divisible: true }, { ...whole, divisible: true, file: both }])
      expect((await cut(one)).map(pathsOf)).toEqual([["db"]]);
  });

  it("gives every file once, and no more at a time than threads can share", async () => {
    const file = fc.tuple(fc.nat(3 * MEGABYTE), fc.option(fc.nat(40), { nil: undefined }));
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 400 }), async (all) => {
        const works = await cut(...all.map(([size, at], number) => near(String(number), size, at?.toString())));
        expect(works.flatMap(pathsOf).toSorted()).toEqual(all.map((_, number) => String(number)).toSorted());
        for (const work of works) for (const step of work) if (step.kind === "files") expect(step.files.length).toBeLessThan(1500);
      }),
    );
  });
});
