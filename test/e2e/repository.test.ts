import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateKeyFile, writeKeyFile } from "../../src/repository/index.ts";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { recordTree } from "../support/record-tree.ts";
import { packsIn } from "../support/stored-forms.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { copyWorkspace, makeWorkspace, type Workspace } from "../support/workspace.ts";
import { holdfast } from "../support/holdfast.ts";
import { runProgram, type ProgramResult } from "../support/run-program.ts";

interface ListDocument {
  readonly backups: readonly {
    readonly id: string;
    readonly stored_bytes: number;
    readonly size_bytes: number;
    readonly form: string;
    readonly checksum: string;
  }[];
  readonly damaged: readonly unknown[];
  readonly foreign: readonly unknown[];
  readonly trash: readonly { readonly id: string }[];
}

const COMPONENTS = ["persistence", "memory", "config", "checkpoints"];

/** Bytes of all packs that lie in a vault. */
function packed(vault: string): number {
  return packsIn(vault).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Of one component as it was restored, and as it is live. */
function memoryOf(top: string): unknown {
  return recordTree(join(top, "memory")).records;
}

describe("a vault in repository form, with a key file", () => {
  let nursery: TemporaryFolder;
  let grown: Workspace;
  /** Oldest first. */
  const ids: string[] = [];
  let first: unknown;

  const runIn =
    ({ config }: Workspace) =>
    (...args: string[]): Promise<ProgramResult> =>
      holdfast(["--config", config, ...args]);
  const listOf = async (workspace: Workspace): Promise<ListDocument> =>
    documentOf<ListDocument>(await runIn(workspace)("backup", "list", "--json"), 0);
  const copied = (folder: TemporaryFolder): Workspace => copyWorkspace(grown, folder.path);

  beforeAll(async () => {
    nursery = temporaryFolder();
    grown = makeWorkspace(nursery.path, { form: "repository" });
    const bank = createBank(grown.database);
    for (let n = 0; n < 2000; n += 1) moveMoney(bank);
    for (let n = 0; n < 300; n += 1)
      writeFileSync(join(grown.folder, "data", "memory", `note-${n}.md`), `${n} ${Math.random()}\n`.repeat(20));
    first = memoryOf(join(grown.folder, "data"));
    const run = runIn(grown);
    ids.push(documentOf<BackupDocument>(await run("backup", "--json"), 0).id);
    moveMoney(bank);
    bank.close();
    writeFileSync(join(grown.folder, "data", "memory", "note-7.md"), "changed\n");
    ids.push(documentOf<BackupDocument>(await run("backup", "--json"), 0).id);
  });
  afterAll(() => nursery[Symbol.dispose]());

  it("a second backup adds what changed, and the list, show and the packs on disk agree on how much", async () => {
    const { backups, damaged, foreign } = await listOf(grown);
    expect([damaged, foreign]).toEqual([[], []]);
    expect(backups.map(({ id, form }) => [id, form])).toEqual(ids.toReversed().map((id) => [id, "repository"]));
    const [second, one] = backups.map(({ stored_bytes: stored }) => stored);
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThan((one ?? 0) / 10);
    expect((second ?? 0) + (one ?? 0)).toBe(packed(grown.vault));
    const listed = (await runIn(grown)("backup", "list")).stdout;
    expect(listed.split("\n")[0]).toMatch(/^ID +SIZE +ADDED +VERDICT/);
    expect((await runIn(grown)("backup", "show", "latest")).stdout).toMatch(/^size .* added /m);
    // Nothing of what was stored can be read without the key.
    const found = await runProgram(["grep", "-rlaE", "remember this|note-7|transfer|company", grown.vault]);
    expect([found.stdout, found.exitCode]).toEqual(["", 1]);
  });

  it("verify reads every byte back, and finds a bit that is wrong in a pack", async () => {
    using folder = temporaryFolder();
    const own = copied(folder);
    const run = runIn(own);
    expect((await run("verify", "--all")).exitCode).toBe(0);
    expect((await run("backup", "list")).stdout.match(/ verified/g)).toHaveLength(2);
    const largest = packsIn(own.vault)[0]?.path;
    const bytes = readFileSync(largest ?? "");
    const middle = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    writeFileSync(largest ?? "", bytes);
    const verified = await run("verify", "--all");
    expect(verified.exitCode, verified.stdout).toBe(4);
    expect(verified.stdout).toContain("DAMAGED");
  });

  it("ls, cat, find and diff look inside", async () => {
    const run = runIn(grown);
    expect((await run("ls", "latest", "memory/notes")).stdout).toMatch(/memory\/notes\/first\.md\n.*memory\/notes\/second\.md/);
    expect((await run("cat", "latest", "memory/note-7.md")).stdout).toBe("changed\n");
    expect((await run("cat", ids[0] ?? "", "memory/notes/first.md")).stdout).toBe("# First\nremember this\n");
    expect((await run("find", "memory/note-7.md")).stdout.match(/ memory\/note-7\.md/g)).toHaveLength(2);
    const differences = (await run("diff", ...ids)).stdout;
    expect(differences).toContain("memory/note-7.md");
    expect(differences).not.toContain("note-8.md");
    expect((await run("diff", "latest")).stdout).toContain("no difference");
  });

  it("restore --to gives every component back, each content compared with its hash, and the database sound", async () => {
    using folder = temporaryFolder();
    const out = folder.join("out");
    const restored = documentOf<{ databases: readonly { complaint: string | null }[] }>(
      await runIn(grown)("restore", ids[0] ?? "", "--to", out, "--json"),
      0,
    );
    expect(restored.databases.map(({ complaint }) => complaint)).toEqual([null]);
    expect(readBank(join(out, "synthorg.db")).last).toBe(2005);
    expect(memoryOf(out)).toEqual(first);
    expect(readFileSync(join(out, "config", "company.yaml"), "utf8")).toBe("name: Acme\n");
  });

  it("a restore in place mends a damaged state, and --undo gives the damaged one back", async () => {
    using folder = temporaryFolder();
    const own = copied(folder);
    const run = runIn(own);
    const live = join(own.folder, "data");
    const sound = memoryOf(live);
    for (const suffix of ["-wal", "-shm"]) rmSync(own.database + suffix, { force: true });
    writeFileSync(own.database, "SQLite format 3\0 and then nothing that is one");
    rmSync(join(live, "memory", "notes"), { recursive: true });
    writeFileSync(join(live, "memory", "stray.md"), "stray\n");
    const broken = memoryOf(live);
    const back = await run("restore", "latest", "--yes");
    expect(back.exitCode, back.stderr).toBe(0);
    expect(readBank(own.database).last).toBe(2006);
    expect(memoryOf(live)).toEqual(sound);
    const undone = await run("restore", "--undo", "--yes");
    expect(undone.exitCode, undone.stderr).toBe(0);
    expect(memoryOf(live)).toEqual(broken);
    expect(readFileSync(own.database, "latin1")).toContain("nothing that is one");
  });

  it("prune with its sweep of the trash frees the packs that only removed backups used, and no other", async () => {
    using folder = temporaryFolder();
    const own = copied(folder);
    const run = runIn(own);
    const before = packed(own.vault);
    const added = (await listOf(own)).backups[0]?.stored_bytes ?? 0;
    expect((await run("backup", "delete", ids[1] ?? "", "--yes", "--force")).exitCode).toBe(0);
    expect(packed(own.vault)).toBe(before);
    expect((await run("backup", "undelete", ids[1] ?? "")).exitCode).toBe(0);
    expect((await run("verify", "--all")).exitCode).toBe(0);
    expect((await run("backup", "delete", ids[1] ?? "", "--yes", "--force")).exitCode).toBe(0);
    expect(documentOf<{ swept: string[] }>(await run("prune", "--json"), 0).swept).toEqual([ids[1]]);
    expect(packed(own.vault)).toBe(before - added);
    expect((await run("verify", "--all")).exitCode).toBe(0);
    expect(failureOf(await run("backup", "undelete", ids[1] ?? "", "--json"), 2).message).toContain("too late");
  });

  it("prune says that a backup which cannot be read holds every pack, and how to give it up", async () => {
    using folder = temporaryFolder();
    const own = copied(folder);
    const run = runIn(own);
    const broken = `${ids[0]}.backup`;
    writeFileSync(join(own.vault, broken), "no manifest");
    const told = documentOf<{ freed: number; notes: readonly string[] }>(await run("prune", "--dry-run", "--json"), 0);
    expect(told.freed).toBe(0);
    expect(told.notes).toEqual([expect.stringMatching(`"${broken}" cannot be read, .*: .*its header is not one of Holdfast`)]);
    expect((await run("backup", "delete", ids[1] ?? "", "--yes", "--force")).exitCode).toBe(0);
    const grownTo = packed(own.vault);
    expect((await run("prune")).stderr).toContain(`holdfast backup delete ${broken}`);
    expect(packed(own.vault)).toBe(grownTo);
    expect((await run("backup", "delete", broken, "--yes")).exitCode).toBe(0);
    const after = documentOf<{ notes: readonly string[] }>(await run("prune", "--json"), 0);
    expect(after.notes).toEqual([]);
    expect(packed(own.vault)).toBeLessThan(grownTo);
  });

  it("export and import carry a backup into an archive vault and back into a repository, with the same checksum", async () => {
    using folder = temporaryFolder();
    const [portable, again] = [folder.join("one.tar.gz"), folder.join("two.tar.gz")];
    expect((await runIn(grown)("export", ids[0] ?? "", "--output", portable)).exitCode).toBe(0);
    expect(execFileSync("tar", ["-tzf", portable], { encoding: "utf8" })).toMatch(/^manifest\.json\n[^]*memory\/notes\/first\.md/);
    const archive = makeWorkspace(folder.join("archive"), { form: "tar.gz" });
    const repository = makeWorkspace(folder.join("repository"), { form: "repository" });
    expect((await runIn(archive)("import", portable)).exitCode).toBe(0);
    expect((await runIn(archive)("export", ids[0] ?? "", "--output", again)).exitCode).toBe(0);
    expect((await runIn(repository)("import", again)).exitCode).toBe(0);
    const checksums = [];
    for (const workspace of [grown, archive, repository])
      checksums.push((await listOf(workspace)).backups.find(({ id }) => id === ids[0])?.checksum);
    expect(new Set(checksums).size).toBe(1);
    expect((await runIn(repository)("restore", ids[0] ?? "", "--to", folder.join("out"))).exitCode).toBe(0);
    expect(memoryOf(folder.join("out"))).toEqual(first);
  });

  it("a tree of a few large files is stored beside the others, and costs them nothing when it is gone", async () => {
    using folder = temporaryFolder();
    const own = makeWorkspace(folder.path, { form: "repository", components: "  logs: { path: data/logs }", extra: "    - logs\n" });
    const run = runIn(own);
    const log = (number: number): string => join(own.folder, "data", "logs", `${number}.log`);
    mkdirSync(join(own.folder, "data", "logs"));
    for (const number of [1, 2, 3]) writeFileSync(log(number), randomBytes(2_000_000));
    expect(await run("backup")).toMatchObject({ exitCode: 0 });
    appendFileSync(log(2), "one line more\n");
    writeFileSync(join(own.folder, "data", "memory", "notes", "third.md"), "# Third\n");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(await run("verify", id)).toMatchObject({ exitCode: 0 });
    expect(await run("restore", id, "--to", folder.join("out"))).toMatchObject({ exitCode: 0 });
    expect(readFileSync(folder.join("out", "logs", "2.log")).equals(readFileSync(log(2)))).toBe(true);
    expect(readFileSync(folder.join("out", "memory", "notes", "third.md"), "utf8")).toBe("# Third\n");
    rmSync(join(own.folder, "data", "logs"), { recursive: true });
    const partial = await run("backup", "--json");
    expect(partial.json()).toMatchObject({ not_captured: [{ name: "logs", code: "COMPONENT_MISSING" }] });
    expect(await run("verify", "latest")).toMatchObject({ exitCode: 0 });
    expect((await run("cat", "latest", "memory/notes/third.md")).stdout).toBe("# Third\n");
  });

  it("what an archive vault has taken is imported under the hash that it has there, and compared with what is here", async () => {
    using folder = temporaryFolder();
    const [own, archive] = [copied(folder), makeWorkspace(folder.join("archive"), { form: "tar.gz" })];
    rmSync(join(archive.folder, "data"), { recursive: true });
    cpSync(join(own.folder, "data"), join(archive.folder, "data"), { recursive: true });
    const { id } = documentOf<BackupDocument>(await runIn(archive)("backup", "--trigger", "startup", "--json"), 0);
    const [portable, again] = [folder.join("one.tar.gz"), folder.join("two.tar.gz")];
    for (const [workspace, args] of [
      [archive, ["export", id, "--output", portable]],
      [own, ["import", portable]],
      [own, ["verify", id]],
      [own, ["export", id, "--output", again]],
    ] as const)
      expect(await runIn(workspace)(...args)).toMatchObject({ stderr: "", exitCode: 0 });
    const [there, here] = [await listOf(archive), await listOf(own)].map(
      ({ backups }) => backups.find((backup) => backup.id === id)?.checksum,
    );
    expect(here).toBe(there);
    // A staged copy here has the database by its pages; its content is the same, and is another in the first.
    const text = readFileSync(own.config, "utf8");
    writeFileSync(own.config, text.replace("path: data/synthorg.db }", "path: data/synthorg.db, read: staged }"));
    const { id: staged } = documentOf<BackupDocument>(await runIn(own)("backup", "--json"), 0);
    const differences = async (other: string): Promise<string> => (await runIn(own)("diff", other, id)).stdout;
    expect(await differences(staged)).toContain("no difference");
    expect(await differences(ids[0] ?? "")).toMatch(/persistence/);
  });

  it("a wrong key, a missing one and one that others may read are refused in words with exit code 2, and doctor says the same", async () => {
    using folder = temporaryFolder();
    const own = copied(folder);
    const run = runIn(own);
    const key = folder.join("holdfast.key");
    renameSync(key, folder.join("kept"));
    const missing = failureOf(await run("backup", "--json"), 2);
    expect(missing).toMatchObject({ code: "KEY_MISSING", message: `There is no key file at "${key}"` });
    writeKeyFile(key, generateKeyFile(key));
    for (const command of [["backup"], ["backup", "list"], ["verify"], ["status"], ["restore", "latest", "--to", folder.join("out")]]) {
      const wrong = failureOf(await run(...command, "--json"), 2);
      expect(wrong.code, command.join(" ")).toBe("KEY_WRONG");
      expect(wrong.message).toMatch(
        /Cannot open the vault .* with key file ".*holdfast\.key" \([0-9A-F]{4}-[0-9A-F]{4}\): it opens with key file/,
      );
    }
    expect(existsSync(folder.join("out"))).toBe(false);
    expect((await run("doctor")).stdout).toMatch(/^!! {2}vault: Cannot open the vault .* with key file/m);
    rmSync(key);
    renameSync(folder.join("kept"), key);
    chmodSync(key, 0o640);
    expect(failureOf(await run("backup", "--json"), 2)).toMatchObject({
      code: "KEY_INVALID",
      hint: expect.stringContaining("chmod 600") as string,
    });
    expect((await run("doctor")).stdout).toMatch(/^!! {2}encryption .*Others may read it \(mode 0640\)/m);
    chmodSync(key, 0o600);
    const text = readFileSync(own.config, "utf8");
    writeFileSync(own.config, text.replace(/encryption: .*/, "encryption: none"));
    expect(failureOf(await run("backup", "list", "--json"), 2).code).toBe("KEY_MISSING");
    writeFileSync(own.config, text.replace(/format: .*/, "").replace(/encryption: .*/, ""));
    const other = failureOf(await run("backup", "--json"), 2);
    expect(other).toMatchObject({ code: "VAULT_OTHER_FORM", hint: expect.stringContaining("backup.format: repository") as string });
    writeFileSync(own.config, text);
    expect((await run("verify")).exitCode).toBe(0);
  });

  it("a key file inside a component is left out of its backups, said so, and stays where it is in a restore", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("note.md"), "before\n");
    const { run } = makeInstance(folder.path, "  all: { path: ., exclude: [holdfast.yaml] }", { form: "repository" });
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect((await run("ls", "latest", "--recursive")).stdout).not.toContain("holdfast.key");
    expect((await run("backup", "show", "latest", "--json")).stdout).toMatch(
      /"path": ?"holdfast\.key",\s*"reason": ?"Belongs to Holdfast itself"/,
    );
    writeFileSync(folder.join("note.md"), "since\n");
    const key = statSync(folder.join("holdfast.key"));
    expect((await run("restore", "latest", "--yes", "--no-safety")).exitCode).toBe(0);
    expect(readFileSync(folder.join("note.md"), "utf8")).toBe("before\n");
    expect(statSync(folder.join("holdfast.key")).ino).toBe(key.ino);
  });

  it("an archive vault refuses a configuration that says repository, and stays as it is", async () => {
    using folder = temporaryFolder();
    const archive = makeInstance(folder.path, `  main: { path: holdfast.yaml }`);
    documentOf<BackupDocument>(await archive.run("backup", "--json"), 0);
    const before = readdirSync(archive.vault);
    const env = { HOLDFAST_BACKUP__FORMAT: "repository", HOLDFAST_BACKUP__ENCRYPTION: "none" };
    expect(failureOf(await archive.runWith({ env }, "backup", "--json"), 2).code).toBe("VAULT_OTHER_FORM");
    expect(readdirSync(archive.vault)).toEqual(before);
  });

  it("a vault that has lost the document that says whose it is can be adopted with the key, and not without", async () => {
    using folder = temporaryFolder();
    const own = copied(folder);
    const run = runIn(own);
    rmSync(join(own.vault, ".vault", "vault.json"));
    expect(failureOf(await run("backup", "--json"), 4).code).toBe("VAULT_DAMAGED");
    renameSync(folder.join("holdfast.key"), folder.join("kept"));
    expect(failureOf(await run("vault", "adopt", "--from", "acme", "--yes", "--json"), 2).code).toBe("KEY_MISSING");
    renameSync(folder.join("kept"), folder.join("holdfast.key"));
    const adopted = documentOf<{ instance: string; form: string }>(await run("vault", "adopt", "--from", "acme", "--yes", "--json"), 0);
    expect(adopted).toMatchObject({ instance: "acme", form: "repository" });
    expect((await run("verify", "--all")).exitCode).toBe(0);
    expect((await listOf(own)).backups).toHaveLength(2);
  });

  it("bundle, configuration and errors hold no key, and the captured components are what the manifest says", async () => {
    using folder = temporaryFolder();
    const own = copied(folder);
    const out = folder.join("bundle.tar.gz");
    expect((await runIn(own)("bundle", "--output", out)).exitCode).toBe(0);
    const text = execFileSync("tar", ["-xzOf", out], { encoding: "utf8" });
    expect(text).toContain("key-file");
    const secret = readFileSync(folder.join("holdfast.key"), "utf8").trim().replace("holdfast-key-1-", "");
    expect(secret.length).toBeGreaterThan(40);
    expect(text).not.toContain(secret);
    const shown = documentOf<{ manifest: { components: string[] } }>(await runIn(own)("backup", "show", "latest", "--json"), 0);
    expect(shown.manifest.components).toEqual([...COMPONENTS, "holdfast"]);
  });
});

describe("a vault in repository form that opens with a passphrase", () => {
  it("takes the first line of what a program writes, or of a file; what goes wrong holds no passphrase", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "main");
    const { run, config } = makeInstance(folder.path, "  main: { path: main.txt }", { form: "repository" });
    const text = readFileSync(config, "utf8");
    const say = (encryption: string): void => writeFileSync(config, text.replace(/encryption: \{[^}]*\}/, `encryption: ${encryption}`));
    const program = (body: string): void => {
      writeFileSync(folder.join("ask"), `#!/bin/sh\necho ran >> "${folder.join("asked")}"\n${body}\n`);
      chmodSync(folder.join("ask"), 0o755);
    };
    say("{ passphrase_command: [./ask, acme] }");
    program('echo "correct horse for $1"; echo note');
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    // However often the vault was opened.
    expect(readFileSync(folder.join("asked"), "utf8")).toBe("ran\n");
    writeFileSync(folder.join("pass"), "correct horse for acme\r\nnever tell\n", { mode: 0o600 });
    say("{ passphrase_file: pass }");
    expect((await run("verify")).exitCode).toBe(0);
    chmodSync(folder.join("pass"), 0o604);
    expect(failureOf(await run("backup", "list", "--json"), 2).code).toBe("KEY_INVALID");

    say("{ passphrase_command: [./ask, acme] }");
    const failures: readonly (readonly [string, string])[] = [
      ["echo correct horse; echo correct horse >&2; exit 3", "KEY_MISSING"],
      ["true", "KEY_INVALID"],
      ["yes correct horse | head -c 100000", "KEY_INVALID"],
      ["echo wrong horse", "KEY_WRONG"],
    ];
    for (const [body, code] of failures) {
      program(body);
      const failed = await run("backup", "--json");
      expect(failureOf(failed, 2).code, body).toBe(code);
      expect(failed.stdout).not.toContain("horse");
    }
    rmSync(folder.join("ask"));
    expect(failureOf(await run("backup", "--json"), 2).message).toContain("`backup.encryption.passphrase_command` cannot be run");
    expect((await run("doctor")).stdout).toMatch(/^!! {2}commands \(backup\.encryption\.passphrase_command\)/m);
  });
});

describe("restore of one name of a file that has two", () => {
  it.each(["repository", "directory", "tar.gz"] as const)(
    "gives it the content of the first one, which is not asked for: %s",
    async (form) => {
      using folder = temporaryFolder();
      const { run, folder: home } = makeInstance(folder.join("home"), "  tree: { path: tree }", { form });
      for (const name of ["d1", "d2"]) mkdirSync(join(home, "tree", name), { recursive: true });
      for (const [name, size] of [
        ["empty", 0],
        ["small", 5],
        ["large", 2_000_000],
      ] as const) {
        writeFileSync(join(home, "tree", "d1", name), "x".repeat(size));
        linkSync(join(home, "tree", "d1", name), join(home, "tree", "d2", name));
      }
      documentOf(await run("backup", "--json"), 0);
      documentOf(await run("restore", "latest", "--to", folder.join("out"), "--path", "tree/d2/**", "--json"), 0);
      for (const [name, size] of [
        ["empty", 0],
        ["small", 5],
        ["large", 2_000_000],
      ] as const)
        expect(statSync(folder.join("out", "tree", "d2", name)).size).toBe(size);
    },
  );
});
