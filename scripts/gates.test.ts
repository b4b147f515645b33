import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CHECKOUT } from "../test/support/holdfast.ts";
import { runProgram, type ProgramResult } from "../test/support/run-program.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTree } from "../test/support/write-tree.ts";
import { checkLanguage } from "./check-language.ts";

// Each tool is shown something that it must refuse: one that has quietly lost its type information, its rules or its
// entries passes everything, and looks like a gate.

async function tool(argv: readonly string[], files: Readonly<Record<string, string>>): Promise<ProgramResult> {
  using folder = temporaryFolder();
  for (const name of ["tsconfig.json", ".oxlintrc.json", ".oxfmtrc.json", "package.json"]) cpSync(join(CHECKOUT, name), folder.join(name));
  symlinkSync(join(CHECKOUT, "node_modules"), folder.join("node_modules"));
  writeTree(folder.path, files);
  const [program = "", ...args] = argv;
  return await runProgram([join(CHECKOUT, "node_modules/.bin", program), ...args], { cwd: folder.path, env: { NO_COLOR: "1" } });
}

describe("gate lint", () => {
  it.each([
    ["no-floating-promises", "async function later(): Promise<void> {}\nlater();\n"],
    ["no-misused-promises", "export const done = (): void => [1].forEach(async (): Promise<void> => {});\n"],
    ["no-explicit-any", "export const a: any = 1;\n"],
    ["no-unsafe-member-access", 'export const a: unknown = JSON.parse("1").b;\n'],
    ["consistent-type-imports", 'import { Dirent } from "node:fs";\nexport type A = Dirent;\n'],
    ["switch-exhaustiveness-check", 'export function f(a: "x" | "y"): void {\n  switch (a) {\n    case "x":\n      return;\n  }\n}\n'],
  ])("refuses what %s is about", async (rule, source) => {
    const { exitCode, stdout } = await tool(["oxlint", "--deny-warnings", "--format=unix"], { "src/a.ts": source });
    expect(stdout).toContain(rule);
    expect(exitCode).not.toBe(0);
  });

  it("passes code in order", async () => {
    expect(await tool(["oxlint", "--deny-warnings"], { "src/a.ts": "export const a = 1;\n" })).toMatchObject({ exitCode: 0 });
  });
});

describe("gate types", () => {
  it.each([
    ["an index that may be missing", "export const a: number = [1][0];\n"],
    ["an export without a type", "export const a = Math.max(1, 2);\n"],
    ["an enum", "export enum A {\n  B,\n}\n"],
  ])("refuses %s", async (_, source) => {
    expect((await tool(["tsc"], { "src/a.ts": source })).exitCode).not.toBe(0);
  });

  it("passes code in order", async () => {
    expect(await tool(["tsc"], { "src/a.ts": "export const a = 1;\n" })).toMatchObject({ exitCode: 0 });
  });
});

describe("gate format", () => {
  it("refuses what oxfmt would write otherwise", async () => {
    expect((await tool(["oxfmt", "--check", "src"], { "src/a.ts": "export const a = 'b'\n" })).exitCode).not.toBe(0);
    expect((await tool(["oxfmt", "--check", "src"], { "src/a.ts": 'export const a = "b";\n' })).exitCode).toBe(0);
  });
});

describe("gate unused", () => {
  it("refuses a file, an export and a dependency that nothing uses", async () => {
    const { exitCode, stdout } = await tool(["knip", "--no-progress"], {
      "knip.json": '{ "entry": ["src/index.ts"], "project": ["src/**/*.ts"] }',
      "package.json": '{ "type": "module", "dependencies": { "yaml": "*" } }',
      "src/index.ts": 'import { used } from "./used.ts";\nconsole.log(used);\n',
      "src/used.ts": "export const used = 1;\nexport const left = 2;\n",
      "src/alone.ts": "export const alone = 1;\n",
    });
    expect(stdout).toContain("src/alone.ts");
    expect(stdout).toContain("left");
    expect(stdout).toContain("yaml");
    expect(exitCode).not.toBe(0);
  });
});

describe("gate language", () => {
  it("refuses registries and pinned downloads, hidden files included, and leaves what is ignored alone", () => {
    using folder = temporaryFolder();
    const registry = ["registry", "example", "org"].join(".");
    writeTree(folder.path, {
      ".gitignore": "dist/\n",
      "a.md": `fine\nhttps://${registry}/\n`,
      ".ci/run": `npm ci --registry=https://${registry}\n`,
      "package-lock.json": `${JSON.stringify({ resolved: "https://host/a.tgz" })}\n`,
      "dist/a.js": registry,
      "node_modules/a.js": registry,
    });
    const { files, problems } = checkLanguage(folder.path);
    expect(files).toBe(4);
    expect(problems.toSorted()).toEqual([
      ".ci/run:1: names a package registry",
      "a.md:2: names a package registry",
      "package-lock.json:1: pins a download address; keep omit-lockfile-registry-resolved in .npmrc",
    ]);
  });
});
