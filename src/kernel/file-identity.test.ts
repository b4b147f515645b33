import { copyFileSync, linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { identityAt, identityKey, lstatAt } from "./file-identity.ts";

const keyAt = (path: string): string | undefined => {
  const identity = identityAt(path);
  return identity === undefined ? undefined : identityKey(identity);
};

describe("identityAt()", () => {
  it("is the same under every name of a file, also through links and after a rename", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("a"));
    writeFileSync(folder.join("a", "file"), "x");
    const key = keyAt(folder.join("a", "file"));
    linkSync(folder.join("a", "file"), folder.join("hard"));
    symlinkSync("hard", folder.join("soft"));
    expect([keyAt(folder.join("hard")), keyAt(folder.join("soft"))]).toEqual([key, key]);
    renameSync(folder.join("a"), folder.join("b"));
    expect(keyAt(folder.join("b", "file"))).toBe(key);
  });

  it("differs for a copy, and is undefined where nothing is or a link leads nowhere", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("one"), "x");
    copyFileSync(folder.join("one"), folder.join("two"));
    symlinkSync("nowhere", folder.join("dangling"));
    expect(keyAt(folder.join("one"))).not.toBe(keyAt(folder.join("two")));
    expect(identityAt(folder.join("none"))).toBeUndefined();
    expect(identityAt(folder.join("dangling"))).toBeUndefined();
  });
});

describe("identityKey()", () => {
  it("never takes two files for one because their numbers run together", () => {
    expect(identityKey({ device: 1n, inode: 23n })).not.toBe(identityKey({ device: 12n, inode: 3n }));
    expect(identityKey({ device: 1n, inode: 2n ** 63n + 1n })).not.toBe(identityKey({ device: 1n, inode: 2n ** 63n }));
  });
});

describe("lstatAt()", () => {
  it("says what a link itself is, and is undefined where nothing is", () => {
    using folder = temporaryFolder();
    symlinkSync("nowhere", folder.join("dangling"));
    expect(lstatAt(folder.join("dangling"))?.isSymbolicLink()).toBe(true);
    expect(typeof lstatAt(folder.path)?.mtimeNs).toBe("bigint");
    expect(lstatAt(folder.join("none"))).toBeUndefined();
    writeFileSync(folder.join("file"), "");
    expect(lstatAt(folder.join("file", "below"))).toBeUndefined();
  });
});
