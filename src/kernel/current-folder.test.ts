import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { runProgram, type ProgramResult } from "../../test/support/run-program.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { CurrentFolder } from "./current-folder.ts";
import { lstatAt } from "./file-identity.ts";

const HERE = import.meta.dirname;

/** A process of its own, because the current folder is one of a process: looks at FOLDER/note, and says where it is then. */
const script = (module: string, meanwhile = ""): string => `
  const { rmSync, lstatSync } = await import("node:fs");
  const { CurrentFolder, ownProcess } = await import(${JSON.stringify(module)});
  ownProcess();
  const start = process.cwd();
  let looked;
  {
    using current = new CurrentFolder();
    const before = current.enter(process.argv[1]);
    looked = [before, lstatSync(before + "note").size];
    ${meanwhile}
  }
  console.log(JSON.stringify({ looked, now: process.cwd(), start }));
`;

const node = (module: string, folder: string, meanwhile?: string): string[] => [
  process.execPath,
  "--input-type=module",
  "-e",
  script(module, meanwhile),
  folder,
];

describe("CurrentFolder", () => {
  function stage(): ReturnType<typeof temporaryFolder> & { readonly module: string } {
    const folder = temporaryFolder();
    mkdirSync(folder.join("tree"));
    mkdirSync(folder.join("start"));
    writeFileSync(folder.join("tree/note"), "five!");
    for (const name of ["current-folder.ts", "errors.ts", "error-codes.ts", "nearest.ts"])
      cpSync(`${HERE}/${name}`, folder.join(name), { force: true });
    return { ...folder, module: folder.join("current-folder.ts") };
  }
  const told = (result: ProgramResult): unknown => (result.exitCode === 0 ? result.json() : result.stderr);

  it("stays where it is in a process of others, and gives the path", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("note"), "five!");
    const start = process.cwd();
    using current = new CurrentFolder();
    expect(current.enter(folder.path)).toBe(`${folder.path}/`);
    expect(current.enter("/")).toBe("/");
    expect(lstatAt(`${current.enter(folder.path)}note`)?.size).toBe(5n);
    expect(process.cwd()).toBe(start);
  });

  it("goes into the folder in a process of ours, and comes back", async () => {
    using folder = stage();
    const start = folder.join("start");
    const result = await runProgram(node(folder.module, folder.join("tree")), { cwd: start });
    expect(told(result)).toEqual({ looked: ["", 5], now: start, start });
  });

  it("leaves the tree when what it came from went meanwhile", async () => {
    using folder = stage();
    const start = folder.join("start");
    const result = await runProgram(node(folder.module, folder.join("tree"), "rmSync(start, { recursive: true })"), { cwd: start });
    expect(told(result)).toEqual({ looked: ["", 5], now: "/", start });
  });

  it("stays where it is when it could not come back", async (context) => {
    if (process.getuid?.() !== 0) context.skip("another account is taken by root only");
    using folder = stage();
    const start = folder.join("start");
    chmodSync(folder.path, 0o755);
    chmodSync(start, 0o700);
    const result = await asUser(65_534, node(folder.module, folder.join("tree")), { cwd: start });
    expect(told(result)).toEqual({ looked: [`${folder.join("tree")}/`, 5], now: start, start });
  });
});
