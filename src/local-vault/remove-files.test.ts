import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { removeFiles } from "./remove-files.ts";

describe("removeFiles()", () => {
  it("deletes every file, however many, and lets others alone; one that is gone already is no failure", async () => {
    using folder = temporaryFolder();
    const paths = Array.from({ length: 1100 }, (_, number) => folder.join(`${number}`));
    for (const path of paths.slice(1)) writeFileSync(path, "");
    writeFileSync(folder.join("other"), "");
    await removeFiles(paths, () => {});
    expect(readdirSync(folder.path)).toEqual(["other"]);
    await removeFiles([], () => {});
  });

  it("fails by the first that it cannot delete, once nothing is under way any more", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("a"));
    for (const name of ["b", "c"]) writeFileSync(folder.join(name), "");
    const paths = ["a", "b", "c"].map((name) => folder.join(name));
    await expect(removeFiles(paths, () => {})).rejects.toMatchObject({ syscall: "unlink", path: folder.join("a") });
    expect(readdirSync(folder.path)).toEqual(["a"]);
  });
});
