import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { holdfast, LAUNCHER } from "../support/holdfast.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

describe("bin/holdfast.js", () => {
  it.each(["0.12.18", "6.17.1", "20.20.2", "24.14.9"])("refuses Node.js %s in one sentence and exits 2", async (version) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "older.cjs": `Object.defineProperty(process, "versions", { value: { node: "${version}" } });` });
    const result = await runProgram([process.execPath, "--require", folder.join("older.cjs"), LAUNCHER, "--version"]);
    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toMatch(/^Holdfast needs Node\.js 24\.15 or newer; this is /);
    expect(result.stderr).toContain(`this is ${version} (${process.execPath}). `);
    expect(result.stderr.split("\n")).toHaveLength(2);
  });

  it("is written in syntax that a Node.js of any age parses", () => {
    const code = readFileSync(LAUNCHER, "utf8").replaceAll(/\/\/.*$/gm, "");
    expect(code).not.toMatch(/=>|`|\b(?:let|const|class|async|await|import|export)\b|\?\.|\?\?|\.\.\./);
    expect(readFileSync(LAUNCHER.replace("holdfast.js", "package.json"), "utf8")).toContain("commonjs");
  });

  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(LAUNCHER.replace("bin/holdfast.js", "package.json"), "utf8")) as { version: string };
    expect(await holdfast(["--version"])).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("passes on the exit code of a mistyped command", async () => {
    expect((await holdfast(["bakcup"])).exitCode).toBe(2);
  });

  it("survives a reader that left early, because what was begun is worth more than its report", async () => {
    using folder = temporaryFolder();
    const script = `mkfifo ready; { read -r < ready; "$0" "$1" --help; } | { exec <&-; echo go > ready; }; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await runProgram(["bash", "-c", script, process.execPath, LAUNCHER], { cwd: folder.path });
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
  });
});
