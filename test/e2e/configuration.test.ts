import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument, type StatusDocument } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const ROOT = process.getuid?.() === 0;

describe("a configuration that others can write", () => {
  it("is refused by every command that would act on it, before anything is run or written", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "main");
    const { config, run } = makeInstance(
      folder.path,
      `  main: { path: main.txt }\n  dump: { command: [touch, ${folder.join("ran")}], as: dump.txt }`,
    );
    const refuse = async (message: RegExp): Promise<void> => {
      for (const command of [["backup"], ["status"], ["restore", "latest", "--to", folder.join("out")]]) {
        expect(failureOf(await run(...command, "--json"), 2)).toMatchObject({
          code: "CONFIG_UNTRUSTED",
          message: expect.stringMatching(message) as string,
        });
      }
      expect(readdirSync(folder.path).toSorted()).toEqual(["holdfast.yaml", "main.txt"]);
    };
    chmodSync(config, 0o646);
    await refuse(/can be written by everybody/);
    if (ROOT) {
      chmodSync(config, 0o664);
      chownSync(config, 0, 65_534);
      await refuse(/can be written by group 65534/);
      chmodSync(config, 0o644);
      chownSync(config, 65_534, 0);
      await refuse(/belongs to user 65534/);
      chownSync(config, 0, 0);
    }
    chmodSync(config, 0o600);
    expect((await run("backup")).exitCode).toBe(0);
  });
});

describe("a component path with spaces, newlines, quotes, and everything that means something elsewhere", () => {
  it.each([
    ["archive", "tar.gz"],
    ["plain folder", "directory"],
  ] as const)("is captured, verified, shown and restored (%s)", async (_name, form) => {
    using folder = temporaryFolder();
    const odd = ` odd\n"name" 'with' $(touch ran) \`id\` %20 ?mode=memory #1; rm -rf * \\ \t caf\u00e9 \u{1F40B}`;
    writeTree(folder.path, { [`${odd}/deep${odd}/note${odd}.md`]: "odd", [`${odd}.json`]: "{}" });
    const bank = createBank(folder.join(`bank${odd}.db`));
    for (let n = 0; n < 7; n += 1) moveMoney(bank);
    bank.close();
    const { run } = makeInstance(
      folder.path,
      `  persistence: { path: ${JSON.stringify(`bank${odd}.db`)} }
  memory: { path: ${JSON.stringify(`./${odd}`)} }
  state: { path: ${JSON.stringify(`./${odd}.json`)} }
  dump: { command: [echo, ${JSON.stringify(odd)}], as: dump.txt }`,
      { form },
    );
    const taken = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect([taken.status, taken.warnings]).toEqual(["complete", []]);
    expect((await run("verify", "--all")).exitCode).toBe(0);
    for (const command of [
      ["status"],
      ["backup", "show", "latest"],
      ["ls", "latest", "--recursive"],
      ["find", "*.md"],
      ["diff", "latest"],
    ]) {
      const told = await run(...command);
      expect(told.exitCode, command.join(" ")).toBe(0);
    }
    expect((await run("diff", "latest")).stdout).toContain("no difference");
    expect((await run("cat", "latest", `memory/deep${odd}/note${odd}.md`)).stdout).toBe("odd");
    const out = join(folder.path, `out${odd}`);
    expect((await run("restore", "latest", "--to", out)).exitCode).toBe(0);
    expect(readFileSync(join(out, "memory", `deep${odd}`, `note${odd}.md`), "utf8")).toBe("odd");
    expect(readFileSync(join(out, "dump", "dump.txt"), "utf8")).toBe(`${odd}\n`);
    expect(readBank(join(out, `bank${odd}.db`)).last).toBe(7);
    expect(readdirSync(folder.path)).not.toContain("ran");
  });
});

describe("a JSON document", () => {
  it("that is torn fails by its importance with line and column, and one that is whole again is captured byte for byte", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "main");
    writeFileSync(folder.join("state.json"), '{"turn": 1,\n "tasks": [1, 2');
    const { run } = makeInstance(folder.path, "  main: { path: main.txt }\n  state: { path: state.json, importance: high }");
    const partial = documentOf<BackupDocument>(await run("backup", "--json"), 3);
    expect(partial.not_captured).toEqual([
      { name: "state", code: "DOCUMENT_INVALID", reason: expect.stringMatching(/no valid JSON at line 2, column \d+/) as string },
    ]);
    writeFileSync(folder.join("state.json"), '\uFEFF{"turn": 1,\n "tasks": [1, 2]}\n');
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect((await run("cat", "latest", "state")).stdout).toBe('\uFEFF{"turn": 1,\n "tasks": [1, 2]}\n');
  });
});

describe("eleven thousand small files", () => {
  it.each([
    ["archive", "tar.gz"],
    ["plain folder", "directory"],
  ] as const)("are captured, verified and restored, every one (%s)", async (_name, form) => {
    using folder = temporaryFolder();
    const files: Record<string, string> = {};
    for (let n = 0; n < 11_000; n += 1) files[`memory/${n % 97}/note-${n}.md`] = `# note ${n}\n${"text ".repeat(n % 50)}`;
    writeTree(folder.path, files);
    const { run } = makeInstance(folder.path, "  memory: { path: memory }", { form });
    const taken = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(taken.components[0]).toMatchObject({ name: "memory", good: true, entries: 11_000 + 97 + 1 });
    expect((await run("verify")).exitCode).toBe(0);
    expect((await run("restore", "latest", "--to", folder.join("out"))).exitCode).toBe(0);
    expect(execFileSync("diff", ["-r", folder.join("memory"), folder.join("out", "memory")], { encoding: "utf8" })).toBe("");
    expect(documentOf<StatusDocument>(await run("status", "--json"), 0).safe).toBe(true);
  });
});
