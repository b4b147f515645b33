import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/holdfast.ts";
import { HIGH_ID, makeHostileTree, SPARSE_SIZE } from "../support/hostile-tree.ts";
import { recordTree, timeDifferences, type TreeFacts } from "../support/record-tree.ts";
import { runProgram } from "../support/run-program.ts";
import { formKeys, STORED_FORMS, type StoredFormName } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { UNPACK_WITH_PYTHON } from "../support/unpack-with-python.ts";
import { writeTree } from "../support/write-tree.ts";

const ROOT = process.getuid?.() === 0;

/** As a person would type them; a locale that knows UTF-8, as every desktop and server has. */
const UNPACKERS = {
  "GNU tar": (file: string, into: string) => ["tar", "--warning=no-timestamp", "-xpzf", file, "-C", into],
  bsdtar: (file: string, into: string) => ["bsdtar", "-xpf", file, "-C", into],
  Python: (file: string, into: string) => [...UNPACK_WITH_PYTHON, file, into],
} as const;

interface Taken {
  readonly config: string;
  readonly id: string;
  readonly vault: string;
  readonly tree: TreeFacts;
}

/** A hostile tree and a backup of it, partial because of the one name that no entry can carry. */
async function backUpHostileTree(folder: string, form: StoredFormName): Promise<Taken> {
  const vault = join(folder, "backups");
  const config = join(folder, "holdfast.yaml");
  writeTree(folder, {
    "holdfast.yaml": `name: hostile\ncomponents:\n  memory: { path: memory }\nbackup: { ${["path: backups", ...formKeys(form, folder)].join(", ")} }\n`,
  });
  makeHostileTree(join(folder, "memory"));
  const tree = recordTree(join(folder, "memory"));
  const taken = await holdfast(["--config", config, "backup", "--json"]);
  expect(taken.stderr).toBe("");
  expect(taken.exitCode, taken.stdout).toBe(3);
  const { id, status, warnings } = taken.json<{ id: string; status: string; warnings: string[] }>();
  expect(status).toBe("partial");
  expect(warnings).toEqual(["memory/names/bad\\xff\\xfe: Has a name that is not UTF-8"]);
  return { config, id, vault, tree };
}

function expectSame(restored: TreeFacts, source: TreeFacts, linkTimes = true): void {
  expect(restored.records).toEqual(source.records);
  expect(timeDifferences(source, restored, linkTimes)).toEqual([]);
  expect(restored.others).toEqual([]);
}

describe.each(STORED_FORMS)("backup -> verify -> restore --to of a hostile tree, %s", (_name, form) => {
  it("gives mode, owner, mtime, content, holes and link identity back; a name that is not UTF-8 makes it partial", async () => {
    using folder = temporaryFolder();
    const { config, vault, id, tree } = await backUpHostileTree(folder.path, form);
    const run = (...args: string[]) => holdfast(["--config", config, ...args]);
    expect(Object.keys(tree.records).length).toBeGreaterThan(60);
    expect(tree.others.toSorted()).toEqual(["names/bad\uFFFD\uFFFD", "pipe", "socket"]);
    if (ROOT) expect(tree.records["owned/high"]?.owner).toBe(`${HIGH_ID}:${HIGH_ID + 1}`);

    const verified = await run("verify", "latest");
    expect(verified.exitCode, verified.stdout).toBe(0);
    const shown = (await run("backup", "show", "latest", "--json")).json<{
      manifest: { component_details: { memory: { omissions: unknown[]; whole: boolean } } };
    }>();
    expect(shown.manifest.component_details.memory.whole).toBe(false);
    expect(shown.manifest.component_details.memory.omissions).toEqual([
      { path: "names/bad\\xff\\xfe", reason: "Has a name that is not UTF-8", harmless: false },
      { path: "pipe", reason: "Is a FIFO, which has no content to keep", harmless: true },
      { path: "socket", reason: "Is a socket, which has no content to keep", harmless: true },
    ]);

    const restored = await run("restore", "latest", "--to", folder.join("restored"), "--json");
    expect(restored.exitCode, restored.stdout).toBe(0);
    const back = recordTree(folder.join("restored", "memory"));
    expectSame(back, tree);
    for (const path of ["holes/middle", "holes/end", "holes/nothing-but"]) {
      expect(tree.occupied[path], path).toBeLessThan(SPARSE_SIZE / 4);
      expect(back.occupied[path], path).toBeLessThan(SPARSE_SIZE / 4);
    }
    if (form === "directory") expect(recordTree(join(vault, id, "memory")).occupied["holes/middle"]).toBeLessThan(SPARSE_SIZE / 4);
    // Names act on nobody's terminal.
    for (const command of [
      ["ls", "latest", "--recursive"],
      ["find", "*"],
    ]) {
      const told = await run(...command);
      expect(told.exitCode).toBe(0);
      expect(told.stdout).not.toContain("\u001B");
      expect(told.stdout).toContain("new\\nline.txt");
    }
    expect((await run("cat", "latest", "memory/names/new\nline.txt")).stdout).toBe("content of name 0\n");
    const unchanged = await run("diff", "latest");
    expect(unchanged.stdout).toContain("no difference");
  });
});

describe("the .tar.gz of a hostile tree", () => {
  it("is unpacked by GNU tar, bsdtar and Python, from the vault and from an export of the other forms, to the same tree", async () => {
    for (const [, form] of STORED_FORMS) {
      using folder = temporaryFolder();
      const { config, vault, id, tree } = await backUpHostileTree(folder.path, form);
      const file = form === "tar.gz" ? join(vault, `${id}.tar.gz`) : folder.join("exported.tar.gz");
      if (form !== "tar.gz") expect((await holdfast(["--config", config, "export", id, "--output", file])).exitCode).toBe(0);
      for (const [name, argv] of Object.entries(UNPACKERS)) {
        const into = folder.join("unpacked", name);
        mkdirSync(into, { recursive: true });
        const unpacked = await runProgram(argv(file, into), { env: { LC_ALL: "C.UTF-8" } });
        expect(unpacked, name).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
        // Python sets no times of links.
        expectSame(recordTree(join(into, "memory")), tree, name !== "Python");
      }
    }
  });
});
