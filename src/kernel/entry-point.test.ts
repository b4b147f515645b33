import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../test/support/run-program.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { entryPath, entryPoint } from "./entry-point.ts";

describe("entryPoint()", () => {
  it("is the neighbour with the asking module's own extension, in the sources and in the built package", () => {
    expect(entryPoint("file:///srv/holdfast/src/backup/pause.ts", "./guardian").href).toBe("file:///srv/holdfast/src/backup/guardian.ts");
    expect(entryPoint("file:///srv/holdfast/dist/backup/pause.js", "./guardian").href).toBe("file:///srv/holdfast/dist/backup/guardian.js");
    expect(entryPoint("file:///srv/a.ts/dist/pause.js", "../x/worker").href).toBe("file:///srv/a.ts/x/worker.js");
  });

  it("entryPath() is a path of the disk, also where a folder has a space or a percent sign", () => {
    expect(entryPath("file:///srv/my%20app/100%25/pause.ts", "./guardian")).toBe("/srv/my app/100%/guardian.ts");
    expect(existsSync(entryPath(import.meta.url, "./entry-point"))).toBe(true);
  });
});

describe("isMain()", () => {
  /** A module that says whether it is the program, and one that imports it. */
  async function say(args: (folder: string) => string[], prepare: (folder: string) => void = () => {}): Promise<string> {
    using folder = temporaryFolder();
    mkdirSync(folder.join("my app"));
    copyFileSync(fileURLToPath(new URL("./entry-point.ts", import.meta.url)), folder.join("my app", "entry-point.ts"));
    writeFileSync(folder.join("my app", "part.ts"), 'import { isMain } from "./entry-point.ts"; console.log(isMain(import.meta.url));');
    writeFileSync(folder.join("my app", "whole.ts"), 'import "./part.ts";');
    prepare(folder.path);
    const { stdout, stderr } = await runProgram([process.execPath, ...args(folder.path)], { cwd: folder.path });
    expect(stderr).toBe("");
    return stdout.trim();
  }

  it("is true of the program that was started", async () => {
    expect(await say((folder) => [`${folder}/my app/part.ts`])).toBe("true");
    expect(await say(() => ["my app/part.ts"])).toBe("true");
  });

  it("is false of a module that the program imports, and in a program without a file", async () => {
    expect(await say((folder) => [`${folder}/my app/whole.ts`])).toBe("false");
    expect(await say((folder) => ["--input-type=module", "-e", `await import(${JSON.stringify(`${folder}/my app/part.ts`)})`, "an argument"])).toBe("false");
  });

  it("is true of the program that was started through a link", async () => {
    expect(await say((folder) => [`${folder}/link.ts`], (folder) => symlinkSync("my app/part.ts", `${folder}/link.ts`))).toBe("true");
  });
});
