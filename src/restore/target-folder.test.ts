import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openTargetFolder } from "./target-folder.ts";

const MODULE = new URL("./target-folder.ts", import.meta.url).href;

afterEach(() => vi.unstubAllEnvs());

/** Code and message of a refusal. */
function refusal(folder: string): { code?: string; message?: string } {
  try {
    openTargetFolder(folder);
    return {};
  } catch (error) {
    return error as { code: string; message: string };
  }
}

describe("openTargetFolder()", () => {
  it("makes a folder that is not there, private, and takes one that is empty", () => {
    using folder = temporaryFolder();
    openTargetFolder(folder.join("a", "b"));
    expect([folder.join("a"), folder.join("a", "b")].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    mkdirSync(folder.join("empty"), { mode: 0o755 });
    openTargetFolder(folder.join("empty"));
    expect(statSync(folder.join("empty")).mode & 0o777).toBe(0o755);
  });

  it.each([
    ["a file", (path: string) => writeFileSync(path, "x")],
    ["a hidden file", (path: string) => writeFileSync(join(path, "..", ".hidden"), "")],
    ["a folder", (path: string) => mkdirSync(path)],
  ])("refuses a folder that holds %s, and changes nothing", (_what, make) => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("to"));
    make(folder.join("to", "x"));
    const before = readdirSync(folder.join("to"));
    expect(refusal(folder.join("to"))).toMatchObject({ code: "TARGET_NOT_EMPTY", message: expect.stringContaining("is not empty") });
    expect(readdirSync(folder.join("to"))).toEqual(before);
  });

  it("says of a restore that did not finish what it is", () => {
    using folder = temporaryFolder();
    openTargetFolder(folder.join("to"));
    expect(refusal(folder.join("to"))).toMatchObject({
      code: "TARGET_NOT_EMPTY",
      message: expect.stringContaining("did not finish"),
      hint: expect.stringContaining("rm -r"),
    });
  });

  it("refuses a file", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("file"), "precious");
    expect(refusal(folder.join("file"))).toMatchObject({ code: "USAGE", message: `The target "${folder.join("file")}" is not a folder` });
    expect(readFileSync(folder.join("file"), "utf8")).toBe("precious");
    expect(refusal(folder.join("file", "below"))).toMatchObject({ code: "FILE_SYSTEM", message: expect.stringContaining("ENOTDIR") });
  });

  it.each(["a folder", "a file", "nowhere"])(
    "refuses a link, here one that leads to %s: somebody else may have laid it there",
    (leadsTo) => {
      using folder = temporaryFolder();
      if (leadsTo === "a folder") mkdirSync(folder.join(leadsTo));
      if (leadsTo === "a file") writeFileSync(folder.join(leadsTo), "");
      symlinkSync(leadsTo, folder.join("link"));
      expect(refusal(folder.join("link"))).toMatchObject({ code: "USAGE", message: `The target "${folder.join("link")}" is a link` });
      expect(existsSync(folder.join("nowhere"))).toBe(false);
    },
  );

  it("names the trouble when this account may not write there", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("to"));
    execFileSync("chmod", ["755", folder.path, folder.join("to")]);
    const code = `import { openTargetFolder } from ${JSON.stringify(MODULE)};
      for (const path of ${JSON.stringify([folder.join("to"), folder.join("new")])}) try { openTargetFolder(path) } catch (error) { console.log(error.code, error.message) }`;
    const { stdout } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
    expect(stdout).toBe(
      `FILE_SYSTEM Cannot restore into "${folder.join("to")}": EACCES: permission denied, mkdir '${folder.join("to", ".holdfast-unfinished-restore")}'\nFILE_SYSTEM Cannot restore into "${folder.join("new")}": EACCES: permission denied, mkdir '${folder.join("new")}'\n`,
    );
    expect(readdirSync(folder.path)).toEqual(["to"]);
  });

  it("lets one of two restores have the folder", async () => {
    using folder = temporaryFolder();
    const code = `import { openTargetFolder } from ${JSON.stringify(MODULE)}; try { openTargetFolder(${JSON.stringify(folder.join("to"))}); console.log("mine") } catch (error) { console.log(error.code) }`;
    const said = await Promise.all(
      Array.from({ length: 4 }, async () => (await runProgram([process.execPath, "--input-type=module", "-e", code])).stdout.trim()),
    );
    expect(said.toSorted()).toEqual(["TARGET_NOT_EMPTY", "TARGET_NOT_EMPTY", "TARGET_NOT_EMPTY", "mine"]);
  });
});

describe("TargetFolder.publish()", () => {
  it("puts everything in its place, and leaves no sign of being unfinished", async () => {
    using folder = temporaryFolder();
    const target = openTargetFolder(folder.join("to"));
    mkdirSync(join(target.building, "memory"));
    writeFileSync(join(target.building, "memory", "a"), "a");
    writeFileSync(join(target.building, ".hidden"), "h");
    expect(readdirSync(folder.join("to"))).toEqual([".holdfast-unfinished-restore"]);
    await target.publish();
    expect(readdirSync(folder.join("to")).toSorted()).toEqual([".hidden", "memory"]);
    expect(readFileSync(folder.join("to", "memory", "a"), "utf8")).toBe("a");
  });

  it("publishes nothing when the disk cannot be flushed", async () => {
    using folder = temporaryFolder();
    const target = openTargetFolder(folder.join("to"));
    writeFileSync(join(target.building, "a"), "a");
    vi.stubEnv("PATH", folder.path);
    await expect(target.publish()).rejects.toMatchObject({ code: "FILE_SYSTEM" });
    expect(readdirSync(folder.join("to"))).toEqual([".holdfast-unfinished-restore"]);
  });
});
