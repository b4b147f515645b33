import { describe, expect, it } from "vitest";
import { runSplitter } from "./run-splitter.ts";

const KEY = Buffer.alloc(32, 7);
const PATHS = Array.from({ length: 3000 }, (_, number) => `notes/${Math.floor(number / 40)}/note-${number}.md`);

function runsOf(paths: readonly string[], key: Uint8Array = KEY): readonly string[] {
  const splitter = runSplitter(key);
  const runs: string[][] = [];
  for (const path of paths) {
    if (splitter.begins(path)) runs.push([]);
    runs.at(-1)?.push(path);
  }
  return runs.map((run) => run.join("\n"));
}

describe("runSplitter()", () => {
  it("makes runs of 16 to 64 entries, about 32", () => {
    const lengths = runsOf(PATHS).map((run) => run.split("\n").length);
    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(16);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(64);
    expect(PATHS.length / lengths.length).toBeGreaterThan(28);
    expect(PATHS.length / lengths.length).toBeLessThan(38);
  });

  it("cuts elsewhere under another key", () => {
    const runs = new Set(runsOf(PATHS));
    expect(runsOf(PATHS, Buffer.alloc(32, 8)).filter((run) => runs.has(run)).length).toBeLessThan(runs.size / 4);
    expect(() => runSplitter(Buffer.alloc(31))).toThrow("31 bytes");
  });

  it.each(["inserted", "taken away"])("keeps all runs but one or two, when an entry is %s", (change) => {
    const before = new Set(runsOf(PATHS));
    const written: number[] = [];
    for (let position = 7; position < PATHS.length; position += 53) {
      const paths = change === "inserted" ? PATHS.toSpliced(position, 0, `${PATHS[position - 1] ?? ""}+`) : PATHS.toSpliced(position, 1);
      written.push(runsOf(paths).filter((run) => !before.has(run)).length);
    }
    const few = written.filter((runs) => runs <= 2).length;
    expect({ few: few >= written.length * 0.9, most: Math.max(...written) <= 10 }).toEqual({ few: true, most: true });
    expect(written.reduce((sum, runs) => sum + runs, 0) / written.length).toBeLessThan(1.6);
  });
});
