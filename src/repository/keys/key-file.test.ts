import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { readKeyFile, writeKeyFile } from "./key-file.ts";
import { generateKeyFile } from "./secret.ts";
import { failureOf } from "./test-keys.ts";

describe("writeKeyFile()", () => {
  it("writes a key that only its owner may read into a folder that only its owner may enter", () => {
    using folder = temporaryFolder();
    const path = folder.join("config", "holdfast", "acme.key");
    const secret = generateKeyFile(path);
    writeKeyFile(path, secret);
    expect(readKeyFile(path)).toEqual(secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(folder.join("config", "holdfast")).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder.join("config", "holdfast"))).toEqual(["acme.key"]);
  });

  it("never writes over what is there", () => {
    using folder = temporaryFolder();
    const path = folder.join("a.key");
    writeKeyFile(path, generateKeyFile(path));
    const before = readFileSync(path, "utf8");
    expect(failureOf(() => writeKeyFile(path, generateKeyFile(path))).code).toBe("FILE_EXISTS");
    expect(readFileSync(path, "utf8")).toBe(before);
    expect(readdirSync(folder.path)).toEqual(["a.key"]);
  });

  it("gives the system's refusal a name", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("file"), "");
    expect(failureOf(() => writeKeyFile(folder.join("file", "a.key"), generateKeyFile("a"))).code).toBe("FILE_SYSTEM");
  });
});

describe("readKeyFile()", () => {
  it.each([0o640, 0o604, 0o610, 0o602, 0o777])("refuses a key that others may use, mode %o", (mode) => {
    using folder = temporaryFolder();
    const path = folder.join("a.key");
    writeKeyFile(path, generateKeyFile(path));
    chmodSync(path, mode);
    const failure = failureOf(() => readKeyFile(path));
    expect(failure.code).toBe("KEY_INVALID");
    expect(failure.message).toContain(`0${mode.toString(8)}`);
    expect(failure.hint).toContain(`chmod 600 "${path}"`);
    chmodSync(path, 0o400);
    expect(readKeyFile(path).kind).toBe("file");
  });

  it("tells that there is none apart from one that is something else", () => {
    using folder = temporaryFolder();
    const missing = failureOf(() => readKeyFile(folder.join("a.key")));
    expect(missing.code).toBe("KEY_MISSING");
    expect(missing.hint).toContain(`holdfast key generate --output "${folder.join("a.key")}"`);
    expect(missing.hint).toContain(`holdfast key add --key-file "${folder.join("a.key")}" --unlock-recovery-code-file`);
    mkdirSync(folder.join("folder"));
    expect(failureOf(() => readKeyFile(folder.join("folder"))).message).toContain("is not a file");
    writeFileSync(folder.join("large"), "x".repeat(10_000), { mode: 0o600 });
    expect(failureOf(() => readKeyFile(folder.join("large"))).message).toContain("has more than 4096 bytes");
    expect(failureOf(() => readKeyFile(folder.join("large", "a.key"))).code).toBe("KEY_MISSING");
  });

  it("never repeats what it read", () => {
    using folder = temporaryFolder();
    const path = folder.join("a.key");
    writeFileSync(path, "correct horse battery staple\n", { mode: 0o600 });
    const failure = failureOf(() => readKeyFile(path));
    expect(failure.code).toBe("KEY_INVALID");
    expect(`${failure.stack} ${JSON.stringify(failure)}`).not.toContain("horse");
  });

  it("does not wait for a FIFO", () => {
    using folder = temporaryFolder();
    execFileSync("mkfifo", ["-m", "600", folder.join("fifo")]);
    expect(failureOf(() => readKeyFile(folder.join("fifo"))).message).toContain("is not a file");
    expect(existsSync(folder.join("fifo"))).toBe(true);
  });
});
