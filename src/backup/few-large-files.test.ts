import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { BackupHead, SourceKind } from "../vault/index.ts";
import { hasFewLargeFiles } from "./few-large-files.ts";

const MB = 1024 * 1024;

function fill({ join }: TemporaryFolder, sizes: readonly number[]): void {
  for (const [index, size] of sizes.entries()) {
    writeFileSync(join(`${index}.log`), "");
    truncateSync(join(`${index}.log`), size);
  }
}

describe("hasFewLargeFiles()", () => {
  const was = (source: SourceKind, entries: number, bytes: number): BackupHead =>
    ({ manifest: { component_details: { logs: { source, entries, bytes } } } }) as unknown as BackupHead;

  it.each([
    ["few large files", was("tree", 13, 300 * MB), true],
    ["many files", was("tree", 1001, 5000 * MB), false],
    ["small ones", was("tree", 13, 12 * MB), false],
    ["one file", was("log", 1, 300 * MB), false],
  ] as const)("of %s the last time, whatever lies there now", (_, before, large) => {
    using folder = temporaryFolder();
    fill(folder, large ? [1] : [2 * MB]);
    expect(hasFewLargeFiles("logs", folder.path, before)).toBe(large);
  });

  it.each([
    ["large files", [2 * MB, MB], true],
    ["files that are not large, together", [MB, 10], false],
    ["nothing", [], false],
    ["too many of them", Array.from({ length: 1001 }, () => 2 * MB), false],
  ] as const)("of what was in no backup yet and has %s", (_, sizes, large) => {
    using folder = temporaryFolder();
    fill(folder, sizes);
    expect(hasFewLargeFiles("logs", folder.path, undefined)).toBe(large);
  });

  it("of what was in no backup yet: not with a folder or a link in it, nor where nothing can be listed", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("deep/old"), { recursive: true });
    mkdirSync(folder.join("linked"));
    for (const place of ["deep", "linked"]) {
      writeFileSync(folder.join(place, "0.log"), "");
      truncateSync(folder.join(place, "0.log"), 9 * MB);
    }
    symlinkSync("0.log", folder.join("linked/latest.log"));
    for (const place of ["deep", "linked", "deep/0.log", "gone"])
      expect(hasFewLargeFiles("logs", folder.join(place), undefined)).toBe(false);
    expect(hasFewLargeFiles("logs", null, undefined)).toBe(false);
  });
});
