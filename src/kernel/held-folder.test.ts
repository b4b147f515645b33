import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { HeldFolder } from "./held-folder.ts";

describe("HeldFolder", () => {
  it("goes on in the folder that it holds when somebody lays a link in its place", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("staged"));
    mkdirSync(folder.join("root-only"));
    using held = HeldFolder.open(folder.join("staged"));
    renameSync(folder.join("staged"), folder.join("moved"));
    symlinkSync(folder.join("root-only"), folder.join("staged"));
    writeFileSync(held.at("file"), "ours");
    expect(readdirSync(folder.join("root-only"))).toEqual([]);
    expect(readFileSync(folder.join("moved", "file"), "utf8")).toBe("ours");
    held.change({ mode: 0o711, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, seconds: 1_000_000_000 });
    expect(statSync(folder.join("moved")).mode & 0o777).toBe(0o711);
    expect(statSync(folder.join("root-only")).mode & 0o777).not.toBe(0o711);
  });

  it.each(["a", "a/b", "a/b/c"])("refuses a link on the way, at %s", (at) => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("elsewhere", "b", "c"), { recursive: true });
    mkdirSync(folder.join(at, ".."), { recursive: true });
    symlinkSync(folder.join("elsewhere"), folder.join(at));
    expect(() => HeldFolder.open(folder.join("a/b/c"))).toThrow(
      expect.objectContaining({ code: "FILE_SYSTEM", hint: expect.stringContaining("Somebody changed it") }),
    );
  });

  it("makes what is missing on the way when it is told with which mode, and nothing otherwise", () => {
    using folder = temporaryFolder();
    expect(() => HeldFolder.open(folder.join("x", "y"))).toThrow("ENOENT");
    expect(readdirSync(folder.path)).toEqual([]);
    using held = HeldFolder.open(folder.join("x", "y"), 0o700);
    expect(held.path).toBe(folder.join("x", "y"));
    expect(statSync(folder.join("x", "y")).mode & 0o777).toBe(0o700);
  });

  it("goes through a folder that may be entered and not listed", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("closed", "mine"), { recursive: true });
    chmodSync(folder.join("closed", "mine"), 0o777);
    chmodSync(folder.join("closed"), 0o711);
    chmodSync(folder.path, 0o711);
    const module = JSON.stringify(new URL("./held-folder.ts", import.meta.url).href);
    const code = `import { HeldFolder } from ${module}; import { writeFileSync } from "node:fs";
      writeFileSync(HeldFolder.open(${JSON.stringify(folder.join("closed", "mine"))}).at("file"), "x")`;
    const { exitCode, stderr } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
    expect(exitCode, stderr).toBe(0);
    expect(readdirSync(folder.join("closed", "mine"))).toEqual(["file"]);
  });
});
