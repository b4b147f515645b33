import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { bytesAdded, storedBelow } from "./added.ts";

describe("bytesAdded()", () => {
  it("counts what is new or changed, and neither what was moved nor what went away", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("packs"));
    writeFileSync(folder.join("packs", "one"), "x".repeat(1000));
    writeFileSync(folder.join("packs", "two"), "x".repeat(200));
    writeFileSync(folder.join("newest.json"), "1");
    utimesSync(folder.join("newest.json"), 1, 1);
    const before = storedBelow(folder.path);
    expect(bytesAdded(before, storedBelow(folder.path))).toBe(0);

    writeFileSync(folder.join("packs", "three"), "x".repeat(30));
    writeFileSync(folder.join("newest.json"), "2");
    renameSync(folder.join("packs", "one"), folder.join("one"));
    const after = storedBelow(folder.path);
    rmSync(folder.join("packs", "two"));
    expect(bytesAdded(before, after)).toBe(31);
    expect(bytesAdded(before, storedBelow(folder.path))).toBe(31);
  });
});
