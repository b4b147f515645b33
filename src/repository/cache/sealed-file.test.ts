import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { openText } from "../keys/derive.ts";
import { readSealedFile, writeSealedFile } from "./sealed-file.ts";

const KEY = randomBytes(32);

describe("writeSealedFile() and readSealedFile()", () => {
  it("give back a text of any length, in a private file as a text is sealed", () => {
    using folder = temporaryFolder();
    const path = folder.join("cache");
    for (const length of [0, 1, 8, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 4 * 2 ** 20 + 17]) {
      const text = randomBytes(length);
      writeSealedFile(path, `${path}.new`, KEY, text, "here");
      expect(readSealedFile(path, KEY, "here")?.equals(text)).toBe(true);
      expect(openText(KEY, readFileSync(path), "here")?.equals(text)).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(folder.path)).toEqual(["cache"]);
  });

  it("give nothing of a file that was sealed under another key, for another place, was changed, or cut off", () => {
    using folder = temporaryFolder();
    const path = folder.join("cache");
    writeSealedFile(path, `${path}.new`, KEY, randomBytes(2 ** 20 + 100), "here");
    expect(readSealedFile(path, randomBytes(32), "here")).toBeUndefined();
    expect(readSealedFile(path, KEY, "there")).toBeUndefined();
    const whole = readFileSync(path);
    for (const at of [0, 12, 2 ** 20 + 50, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(path, changed);
      expect(readSealedFile(path, KEY, "here")).toBeUndefined();
    }
    for (const length of [whole.length - 1, 2 ** 20, 28, 27, 0]) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      expect(readSealedFile(path, KEY, "here")).toBeUndefined();
    }
  });

  it("leave what was there, and nothing beside it, when the writing fails", () => {
    using folder = temporaryFolder();
    const path = folder.join("cache");
    writeSealedFile(path, `${path}.new`, KEY, Buffer.from("old"), "here");
    symlinkSync("/dev/full", folder.join("full"));
    expect(() => writeSealedFile(path, folder.join("full"), KEY, Buffer.from("new"), "here")).toThrow("ENOSPC");
    expect(readSealedFile(path, KEY, "here")?.toString()).toBe("old");
    expect(readdirSync(folder.path)).toEqual(["cache"]);
  });
});
