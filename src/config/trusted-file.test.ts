import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { ConfigError } from "../kernel/index.ts";
import { loadConfig } from "./load-config.ts";
import { LEAST, testPlace, type TestPlace } from "./test-place.ts";

const root = process.geteuid?.() === 0;
const STRANGER = 54_321;

/** The code of the error that loading ends with in a process of another account, or "ok". */
async function loadAs(uid: number, place: TestPlace): Promise<string> {
  chmodSync(place.folder, 0o755);
  const module = new URL("./load-config.ts", import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(({ loadConfig }) => { try { loadConfig({ file: ${JSON.stringify(place.file)}, env: {} }); console.log("ok"); } catch (error) { console.log(error.code + " " + error.message); } })`;
  const { stdout, stderr } = await asUser(uid, [process.execPath, "-e", script]);
  return stdout.trim() === "" ? stderr : stdout.trim();
}

describe("readTrustedFile()", () => {
  const prepare = (place: TestPlace, mode: number): void => {
    place.load(LEAST);
    chmodSync(place.file, mode);
  };

  it.each([0o600, 0o644, 0o444, 0o664])("takes mode %o of its own account and group", (mode) => {
    using place = testPlace();
    prepare(place, mode);
    expect(place.load(LEAST).backup.path).toBe("/vault");
  });

  it.each([0o666, 0o602])("refuses mode %o: everybody could have written it", (mode) => {
    using place = testPlace();
    prepare(place, mode);
    expect(place.refusal(LEAST)).toMatchObject({
      code: "CONFIG_UNTRUSTED",
      message: `"${place.file}" can be written by everybody`,
      hint: `Read it, then: chmod go-w "${place.file}"`,
    });
  });

  it.runIf(root)("refuses a file that a foreign group can write", () => {
    using place = testPlace();
    place.load(LEAST);
    chownSync(place.file, 0, STRANGER);
    chmodSync(place.file, 0o660);
    expect(place.refusal(LEAST)).toMatchObject({
      code: "CONFIG_UNTRUSTED",
      message: `"${place.file}" can be written by group ${STRANGER}`,
    });
    chmodSync(place.file, 0o640);
    expect(place.load(LEAST).backup.path).toBe("/vault");
  });

  it.runIf(root)("refuses another account's file, also for root, and takes root's file for everybody", async () => {
    using place = testPlace();
    place.load(LEAST);
    expect(await loadAs(STRANGER, place)).toBe("ok");
    chownSync(place.file, STRANGER, STRANGER);
    expect(await loadAs(STRANGER, place)).toBe("ok");
    expect(await loadAs(STRANGER + 1, place)).toMatch(
      /^CONFIG_UNTRUSTED .* belongs to user 54321, not to the user of this process \(54322\)/,
    );
    expect(place.refusal(LEAST)).toMatchObject({ code: "CONFIG_UNTRUSTED", hint: expect.stringContaining("chown 0") as string });
    chmodSync(place.file, 0o600);
    chownSync(place.file, 0, 0);
    expect(await loadAs(STRANGER, place)).toMatch(/^FILE_SYSTEM Cannot read the configuration .*EACCES/);
  });

  it("refuses a folder, a pipe that nobody writes to, and a name with nothing behind it", () => {
    using place = testPlace();
    mkdirSync(place.join("folder"));
    execFileSync("mkfifo", [place.join("pipe")]);
    const codeOf = (name: string): unknown => {
      try {
        return loadConfig({ file: place.join(name), env: {} });
      } catch (error) {
        return error instanceof ConfigError ? error.code : error;
      }
    };
    expect(["folder", "pipe", "nothing", "pipe/nothing"].map(codeOf)).toEqual([
      "CONFIG_INVALID",
      "CONFIG_INVALID",
      "CONFIG_NOT_FOUND",
      "CONFIG_NOT_FOUND",
    ]);
  });
});
