import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { measureFolder } from "./measure-folder.ts";

describe("measureFolder()", () => {
  it("counts files and their bytes at every depth", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { a: "12345", "b/c/d/e": "1234567890", "b/empty": "" });
    mkdirSync(folder.join("nothing"));
    expect(measureFolder(folder.path)).toEqual({ bytes: 15, files: 3 });
  });

  it("follows no link, and so ends where a link leads to its own folder", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "in/a": "12345", "out/b": "1234567890" });
    symlinkSync("..", folder.join("in", "up"));
    symlinkSync("../out", folder.join("in", "aside"));
    symlinkSync("../out/b", folder.join("in", "file"));
    expect(measureFolder(folder.join("in"))).toEqual({ bytes: 5, files: 1 });
  });

  it("counts a file once under each of its names, and is content with a folder that is not there", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "12345");
    linkSync(folder.join("a"), folder.join("b"));
    expect(measureFolder(folder.path)).toEqual({ bytes: 10, files: 2 });
    expect(measureFolder(folder.join("none"))).toEqual({ bytes: 0, files: 0 });
  });

  it("counts what this account can read, and nothing for the rest", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "open/a": "12345", "closed/b": "1234567890" });
    chmodSync(folder.path, 0o755);
    chmodSync(folder.join("closed"), 0o700);
    const code = `import { measureFolder } from ${JSON.stringify(new URL("./measure-folder.ts", import.meta.url).href)}; console.log(JSON.stringify(measureFolder(${JSON.stringify(folder.path)})))`;
    expect((await asUser(65_534, [process.execPath, "--input-type=module", "-e", code])).json()).toEqual({ bytes: 5, files: 1 });
  });
});
