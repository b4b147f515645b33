import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { ConfigError } from "../kernel/index.ts";
import { findConfig, type FindRequest } from "./find-config.ts";

function nested(): TemporaryFolder {
  const folder = temporaryFolder();
  mkdirSync(folder.join("a/b/c"), { recursive: true });
  return folder;
}

function refusal(request: FindRequest): ConfigError {
  try {
    return expect.fail(`Found ${findConfig(request)}`);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

describe("findConfig()", () => {
  it("prefers what is asked for by option, then by variable, then the nearest upward", () => {
    using folder = nested();
    for (const name of ["one.yaml", "two.yaml", "a/holdfast.json", "holdfast.yaml"]) writeFileSync(folder.join(name), "");
    const cwd = folder.join("a/b/c");
    const env = { HOLDFAST_CONFIG: "../../../two.yaml" };
    expect(findConfig({ flag: "../../../one.yaml", env, cwd })).toBe(folder.join("one.yaml"));
    expect(findConfig({ env, cwd })).toBe(folder.join("two.yaml"));
    expect(findConfig({ env: { HOLDFAST_CONFIG: "" }, cwd })).toBe(folder.join("a/holdfast.json"));
    expect(findConfig({ env: {}, cwd: folder.path })).toBe(folder.join("holdfast.yaml"));
  });

  it("prefers .yaml over .yml over .json in one folder", () => {
    using folder = nested();
    for (const name of ["holdfast.json", "holdfast.yml", "holdfast.yaml"]) {
      writeFileSync(folder.join("a", name), "");
      expect(findConfig({ env: {}, cwd: folder.join("a/b") })).toBe(folder.join("a", name));
    }
  });

  it("never goes on to another one when the one asked for is not there", () => {
    using folder = nested();
    writeFileSync(folder.join("holdfast.yaml"), "");
    expect(refusal({ flag: "gone.yaml", env: {}, cwd: folder.path })).toMatchObject({
      code: "CONFIG_NOT_FOUND",
      hint: expect.stringContaining("holdfast init"),
    });
    expect(refusal({ flag: "", env: {}, cwd: folder.path }).code).toBe("CONFIG_NOT_FOUND");
    expect(refusal({ flag: "holdfast.yaml/x", env: {}, cwd: folder.path }).code).toBe("CONFIG_NOT_FOUND");
    expect(refusal({ env: { HOLDFAST_CONFIG: "gone.yaml" }, cwd: folder.path }).message).toContain("which HOLDFAST_CONFIG names");
    expect(refusal({ flag: "a", env: {}, cwd: folder.path }).message).toContain("is a folder");
  });

  it("stops at a link that leads nowhere instead of using another instance's configuration", () => {
    using folder = nested();
    writeFileSync(folder.join("holdfast.yaml"), "");
    symlinkSync("gone", folder.join("a/holdfast.yaml"));
    expect(findConfig({ env: {}, cwd: folder.join("a/b") })).toBe(folder.join("a/holdfast.yaml"));
  });

  it("passes over a folder that has the name", () => {
    using folder = nested();
    writeFileSync(folder.join("holdfast.yaml"), "");
    mkdirSync(folder.join("a/holdfast.yaml"));
    expect(findConfig({ env: {}, cwd: folder.join("a/b") })).toBe(folder.join("holdfast.yaml"));
  });

  it("says where it looked and what to do when there is none", () => {
    expect(refusal({ env: {}, cwd: "/proc" })).toMatchObject({
      code: "CONFIG_NOT_FOUND",
      message: 'No holdfast.yaml in "/proc" or in a folder above it',
      hint: "Write one with `holdfast init`, or name one with --config or HOLDFAST_CONFIG",
    });
  });
});
