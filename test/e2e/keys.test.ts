import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { holdfast, LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { rescue } from "../support/rescue.ts";
import type { ProgramResult } from "../support/run-program.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

interface Slot {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly fingerprint?: string;
  readonly opened_by?: string | null;
}
interface Checked {
  readonly opens: string;
  readonly useless: readonly string[];
  readonly epochs: readonly { readonly epoch: number; readonly open: boolean; readonly slots: readonly Slot[] }[];
}
interface Rotated {
  readonly epoch: number;
  readonly kept: readonly Slot[];
  readonly added: readonly Slot[];
  readonly left: readonly Slot[];
  readonly recovery: { readonly sheet: string; readonly fingerprint: string };
  readonly older: { readonly backups: number; readonly until: string };
  readonly config_shut_out: readonly string[];
}

const CODE = /(?:[A-Z2-7]{4}-){9}[A-Z2-7]{4}/g;
/** Everything that every process of the machine was started with, at the moment of a backup. */
const SPY = `for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do tr '\\0' '\\n' < $file; done 2>/dev/null; true`;

/** One story, told in order: each test begins where the one before has ended. */
describe("keys of a vault", () => {
  let machine: TemporaryFolder;
  let home: string;
  /** Everything that was ever printed but by the two commands that show a code. */
  const said: string[] = [];
  const secrets: string[] = [];
  let shown = "";

  const at = (...names: string[]): string => machine.join(...names);
  async function run(args: readonly string[], input = ""): Promise<ProgramResult> {
    return await holdfast(args, { cwd: at("agent"), input, env: { HOME: home, XDG_CONFIG_HOME: undefined } });
  }
  async function quiet(args: readonly string[], input = ""): Promise<ProgramResult> {
    const result = await run(args, input);
    said.push(result.stdout, result.stderr);
    return result;
  }
  const codeOf = (text: string): string => {
    const [code, ...more] = text.match(CODE) ?? [];
    expect(more).toEqual([]);
    expect(code).toBeDefined();
    secrets.push(code ?? "");
    return code ?? "";
  };
  const keyIn = (file: string): void => void secrets.push(readFileSync(file, "utf8").trim());
  const name = (keyFile: string): void => {
    const file = at("agent", "holdfast.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/key_file: .*/, `key_file: ${keyFile}`));
  };

  beforeAll(() => {
    machine = temporaryFolder();
    home = at("home");
    writeTree(at("agent"), { "memory/a.md": "# A\n", "company.yaml": "name: Acme\n" });
  });
  afterAll(() => machine[Symbol.dispose]());

  it("`key generate` writes a key file that only this account reads, and never writes over one", async () => {
    const made = documentOf<{ file: string; fingerprint: string }>(
      await quiet(["key", "generate", "--output", "../keys/acme.key", "--json"]),
      0,
    );
    expect(made.file).toBe(at("keys", "acme.key"));
    expect(statSync(made.file).mode & 0o777).toBe(0o600);
    keyIn(made.file);
    expect(failureOf(await quiet(["key", "generate", "--output", "../keys/acme.key", "--json"]), 1).code).toBe("FILE_EXISTS");
    expect(failureOf(await quiet(["key", "generate", "--json"]), 2).code).toBe("USAGE");
  });

  it("`protect` makes a vault with the key file and a recovery code, which it shows once and writes on a sheet", async () => {
    const { stdout, exitCode } = await run(["protect", "--vault", "../vault", "--key-file", "../keys/acme.key"]);
    expect(exitCode).toBe(0);
    shown = codeOf(stdout);
    const sheet = at("keys", "acme.recovery.txt");
    expect(statSync(sheet).mode & 0o777).toBe(0o600);
    expect(codeOf(readFileSync(sheet, "utf8"))).toBe(shown);
    const { opens, epochs } = documentOf<Checked>(await quiet(["key", "check", "--json"]), 0);
    expect([opens, epochs.map(({ slots }) => slots.map(({ kind }) => kind))]).toEqual(["all", [["file", "recovery"]]]);
    const config = at("agent", "holdfast.yaml");
    writeFileSync(
      config,
      readFileSync(config, "utf8").replace(
        "components:",
        `components:\n  spy: { command: [sh, -c, ${JSON.stringify(SPY)}], as: seen, restore: [sh, -c, "cat > /dev/null"] }`,
      ),
    );
    expect(documentOf<BackupDocument>(await quiet(["backup", "--json"]), 0).status).toBe("complete");
  });

  it("no process of a backup is started with a secret among its arguments or in its environment", async () => {
    const { stdout } = await run(["cat", "latest", "spy/seen"]);
    expect(stdout).toContain("holdfast.js\nbackup\n");
    for (const secret of secrets) expect(stdout).not.toContain(secret);
  });

  it("without the key file nothing opens, and the message says by which keys it would", async () => {
    renameSync(at("keys", "acme.key"), at("old.key"));
    expect(failureOf(await quiet(["backup", "--json"]), 2)).toMatchObject({
      code: "KEY_MISSING",
      message: expect.stringContaining("acme.key"),
    });
    await quiet(["key", "generate", "--output", "../keys/other.key"]);
    keyIn(at("keys", "other.key"));
    const check = await quiet(["key", "check", "--key-file", "../keys/other.key", "--json"]);
    expect(documentOf<Checked>(check, 2)).toMatchObject({ opens: "nothing", useless: [expect.stringContaining("other.key")] });
    name(at("keys", "other.key"));
    const wrong = failureOf(await quiet(["backup", "--json"]), 2);
    expect(wrong).toMatchObject({
      code: "KEY_WRONG",
      message: expect.stringMatching(/it opens with key file "acme\.key" \(.*recovery code \(/),
    });
  });

  it("`recover` opens the vault on another machine by the recovery code, and says which key file the configuration wants", async () => {
    renameSync(at("agent"), at("lost"));
    mkdirSync(at("agent"));
    home = at("other-home");
    const recover = ["recover", "../vault", "--json", "--yes"];
    expect(failureOf(await quiet(recover), 2)).toMatchObject({
      code: "KEY_MISSING",
      hint: expect.stringContaining("--recovery-code-file"),
    });
    expect(failureOf(await quiet([...recover, "--key-file", "../keys/other.key"]), 2).code).toBe("KEY_WRONG");
    expect(failureOf(await quiet([...recover, "--recovery-code-file", "-"], "AAAA-BBBB\n"), 2).code).toBe("KEY_INVALID");
    expect(readdirSync(at("agent"))).toEqual([]);
    const argument = await run([...recover, "--recovery-code-file", shown]);
    expect(failureOf(argument, 2).message).toContain("never given as an argument");
    said.push(argument.stdout);
    const done = documentOf<{ config: { key: object }; restored: object[] }>(
      await quiet([...recover, "--recovery-code-file", "-"], `${shown}\n`),
      0,
    );
    expect(done.config.key).toMatchObject({
      key: "backup.encryption.key_file",
      names: at("keys", "acme.key"),
      problem: expect.stringContaining("no key file"),
    });
    expect(readFileSync(at("agent", "memory", "a.md"), "utf8")).toBe("# A\n");
    expect(existsSync(at("agent", "holdfast.yaml"))).toBe(true);
  });

  it("`key add` lets a new key file in, opened by the recovery code off its sheet", async () => {
    await quiet(["key", "generate", "--output", "../keys/new.key"]);
    keyIn(at("keys", "new.key"));
    const add = ["key", "add", "--key-file", "../keys/new.key", "--json"];
    expect(failureOf(await quiet(add), 2).code).toBe("KEY_MISSING");
    const unlock = ["--unlock-recovery-code-file", "../keys/acme.recovery.txt"];
    const { slot } = documentOf<{ slot: Slot }>(await quiet([...add, ...unlock]), 0);
    expect(slot).toMatchObject({ kind: "file", label: "new.key" });
    name(at("keys", "new.key"));
    documentOf<BackupDocument>(await quiet(["backup", "--json"]), 0);
  });

  it("`key rotate` shuts out who is not at hand, and puts the new code on a sheet and in no document", async () => {
    expect(failureOf(await quiet(["key", "rotate", "--json", "--yes"]), 2).code).toBe("USAGE");
    expect(failureOf(await quiet(["key", "rotate", "--json", "--sheet", "../vault/sheet.txt", "--yes"]), 2).code).toBe("USAGE");
    expect(failureOf(await quiet(["key", "rotate", "--json", "--sheet", "../new.txt"]), 2).code).toBe("CONFIRMATION_NEEDED");
    const rotated = documentOf<Rotated>(await quiet(["key", "rotate", "--json", "--sheet", "../new.txt", "--yes"]), 0);
    const kinds = (slots: readonly Slot[]): string[] => slots.map(({ kind, label }) => (kind === "file" ? label : kind));
    expect([kinds(rotated.kept), kinds(rotated.added), kinds(rotated.left)]).toEqual([["new.key"], ["recovery"], ["acme.key", "recovery"]]);
    expect(rotated).toMatchObject({ epoch: 2, recovery: { sheet: at("new.txt") }, config_shut_out: [] });
    expect(rotated.older.backups).toBeGreaterThan(2);
    expect(Date.parse(rotated.older.until)).toBeGreaterThan(Date.now());
    expect(codeOf(readFileSync(at("new.txt"), "utf8"))).not.toBe(shown);
    writeFileSync(at("agent", "memory", "b.md"), "after the rotation\n");
    documentOf<BackupDocument>(await quiet(["backup", "--json"]), 0);
    expect(documentOf<Checked>(await quiet(["key", "check", "--recovery-code-file", "../new.txt", "--json"]), 0).opens).toBe("all");
    for (const left of rotated.left) {
      const refused = failureOf(await quiet(["key", "remove", left.id, "--yes", "--json"]), 2);
      expect(refused).toMatchObject({ code: "USAGE", message: expect.stringContaining("belongs to epoch 1 and cannot be removed") });
    }
    expect(failureOf(await quiet(["key", "remove", "0".repeat(16), "--yes", "--json"]), 2).message).toContain("has no key slot");
  });

  it("the printed sheet opens the vault without Holdfast as well, and says with what", async () => {
    const sheet = readFileSync(at("new.txt"), "utf8");
    expect(sheet).toContain(`node rescue.mjs ${at("vault")} --recovery-code-file CODE.txt restore latest DIR`);
    const listed = await rescue(at("vault"), "--recovery-code-file", at("new.txt"), "list");
    expect(listed).toMatchObject({ exitCode: 0, stderr: "" });
    const { backups } = documentOf<{ backups: unknown[] }>(await quiet(["backup", "list", "--json"]), 0);
    expect(listed.stdout.trim().split("\n")).toHaveLength(backups.length);
  });

  it("nothing is restored or exported into the vault, where it would lie in the clear", async () => {
    for (const args of [
      ["restore", "latest", "--to", "../vault/out"],
      ["export", "latest", "--output", "../vault/out.tar.gz"],
      ["restore", "latest", "--to", ".holdfast/out"],
      ["recover", "../vault", "--to", "../vault/out", "--key-file", "../keys/new.key", "--yes"],
    ])
      expect(failureOf(await quiet([...args, "--json"]), 2)).toMatchObject({ code: "USAGE", hint: expect.stringContaining("outside") });
    expect([at("vault", "out"), at("vault", "out.tar.gz"), at("agent", ".holdfast", "out")].filter((path) => existsSync(path))).toEqual([]);
  });

  it("the old key opens only the older backups, and nothing is written with it", async () => {
    const check = documentOf<Checked>(await quiet(["key", "check", "--key-file", "../old.key", "--json"]), 2);
    expect([check.opens, check.epochs.map(({ open }) => open)]).toEqual(["older", [false, true]]);
    name(at("old.key"));
    const { backups, damaged } = documentOf<{ backups: { id: string }[]; damaged: { problem: string }[] }>(
      await quiet(["backup", "list", "--json"]),
      4,
    );
    expect(damaged).toEqual([expect.objectContaining({ code: "KEY_WRONG", problem: expect.stringContaining("keys of epoch 2") })]);
    const { stderr } = await quiet(["backup", "list"]);
    expect(stderr).toMatch(/^locked 1 sealed after a rotation/m);
    expect(stderr).not.toContain("damaged");
    documentOf(await quiet(["restore", backups[0]?.id ?? "", "--to", "../out", "--json"]), 0);
    expect(readFileSync(at("out", "memory", "a.md"), "utf8")).toBe("# A\n");
    expect(existsSync(at("out", "memory", "b.md"))).toBe(false);
    expect(failureOf(await quiet(["backup", "--json"]), 2).code).toBe("KEY_WRONG");
    expect(failureOf(await quiet(["key", "add", "--key-file", "../keys/other.key", "--json"]), 2).code).toBe("KEY_WRONG");
    name(at("keys", "new.key"));
  });

  it("`recover` with an old recovery code says up front which newer backups it leaves out, and calls none of them damaged", async () => {
    const recover = ["recover", at("vault"), "--to", "../elsewhere", "--recovery-code-file", "../keys/acme.recovery.txt", "--dry-run"];
    const { damage, locked } = documentOf<{ damage: unknown[]; locked: unknown }>(await quiet([...recover, "--json"]), 0);
    expect([damage, locked]).toEqual([[], { backups: [expect.stringContaining(".backup")], opens_epoch: 1 }]);
    const { stdout } = await quiet(recover);
    expect(stdout).toMatch(
      /^! What was given opens what is sealed with keys of epoch 1 and older\. 1 newer backup was sealed after a rotation/,
    );
    expect(stdout).not.toContain("damaged");
    const newer = documentOf<{ locked: unknown }>(await quiet([...recover.with(5, "../new.txt"), "--json"]), 0);
    expect(newer.locked).toBeNull();
  });

  it("`key show-recovery` shows no old code, makes a further one, and `key remove` takes the earlier one out", async () => {
    const none = failureOf(await quiet(["key", "show-recovery", "--json", "--sheet", "../never.txt"]), 2);
    expect(none.message).toContain("stored nowhere");
    expect(existsSync(at("never.txt"))).toBe(false);
    const { stdout } = await run(["key", "show-recovery", "--new"]);
    const code = codeOf(stdout);
    const { epochs } = documentOf<Checked>(await quiet(["key", "check", "--recovery-code-file", "-", "--json"], code), 0);
    const earlier = epochs[0]?.slots.find(({ kind, opened_by: by }) => kind === "recovery" && by === null);
    expect(failureOf(await quiet(["key", "remove", earlier?.id ?? "", "--json"]), 2).code).toBe("CONFIRMATION_NEEDED");
    documentOf(await quiet(["key", "remove", earlier?.fingerprint ?? "", "--yes", "--json"]), 0);
    expect(documentOf<Checked>(await quiet(["key", "check", "--recovery-code-file", "../new.txt", "--json"]), 2).opens).toBe("nothing");
    const own = documentOf<Checked>(await quiet(["key", "check", "--json"]), 0).epochs[0]?.slots.find(({ kind }) => kind === "file");
    expect(failureOf(await quiet(["key", "remove", own?.id ?? "", "--yes", "--json"]), 2).message).toContain("it is what opened the vault");
  });

  /** On a terminal; each answer is typed when its question is there. */
  async function type(args: readonly string[], ...answers: string[]): Promise<{ screen: string; code: unknown }> {
    const argv = [process.execPath, LAUNCHER, ...args].map((word) => `'${word}'`).join(" ");
    const terminal = spawn("script", ["-qec", argv, "/dev/null"], { cwd: at("agent"), env: { ...process.env, HOME: home, NO_COLOR: "1" } });
    let [screen, asked] = ["", 0];
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
      for (; asked < screen.split("(not shown): ").length - 1; asked += 1) terminal.stdin.write(`${answers[asked]}\r`);
    });
    const code = await new Promise((resolve) => terminal.once("close", resolve));
    expect(asked).toBe(answers.length);
    said.push(screen);
    return { screen, code };
  }

  it("a recovery code that is typed on a terminal is asked for, and not shown", async () => {
    const { screen, code } = await type(["key", "check", "--recovery-code-file", "-"], secrets.at(-1) ?? "");
    expect(screen).toContain("The key opens the vault");
    expect(code).toBe(0);
  });

  it("`key add` asks twice for a passphrase that is typed on a terminal", async () => {
    const passphrase = "correct horse battery staple, and then some more";
    secrets.push(passphrase);
    const add = ["key", "add", "--passphrase-file", "-"];
    expect((await type(add, passphrase, `${passphrase}!`)).screen).toContain("are not the same");
    expect(await type(add, passphrase, passphrase)).toMatchObject({ code: 0, screen: expect.stringContaining("Added passphrase") });
    expect(documentOf<Checked>(await quiet(["key", "check", "--passphrase-file", "-", "--json"], `${passphrase}\n`), 0).opens).toBe("all");
  });

  it("no secret is in a document, a message, or a file of the vault or of the state", () => {
    const files = [at("vault"), at("agent", ".holdfast"), at("lost", ".holdfast")].flatMap((top) =>
      readdirSync(top, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), "latin1")] : [],
      ),
    );
    expect(files.length).toBeGreaterThan(10);
    expect(said.length).toBeGreaterThan(40);
    expect(secrets.length).toBeGreaterThan(5);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(40);
      for (const text of [...said, ...files]) expect(text.includes(secret)).toBe(false);
    }
  });
});

describe("a vault that is not encrypted", () => {
  it("`key rotate` encrypts what is written from then on, and says that the configuration names no key for it", async () => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, "  memory: { path: memory }");
    writeTree(folder.path, { "memory/a.md": "# A\n" });
    const config = folder.join("holdfast.yaml");
    const say = (how: string): void =>
      writeFileSync(
        config,
        `name: x\ncomponents: { memory: { path: memory } }\nbackup: { path: vault, format: repository, encryption: ${how} }\n`,
      );
    say("none");
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const key = folder.join("x.key");
    documentOf(await run("key", "generate", "--output", key, "--json"), 0);
    const rotate = ["key", "rotate", "--yes", "--json", "--sheet", folder.join("sheet.txt")];
    expect(failureOf(await run(...rotate), 2)).toMatchObject({ code: "USAGE", hint: expect.stringContaining("--key-file") });
    expect(existsSync(folder.join("sheet.txt"))).toBe(false);
    const rotated = documentOf<Rotated>(await run(...rotate, "--key-file", key), 0);
    expect(rotated).toMatchObject({ left: [{ kind: "none" }], config_shut_out: ["no key"] });
    expect(failureOf(await run("backup", "--json"), 2).code).toBe("KEY_WRONG");
    say(`{ key_file: ${key} }`);
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
  });

  it("archives have no keys: `key check`, and `recover` with a key, say so", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "memory/a.md": "# A\n" });
    const { run, vault } = makeInstance(folder.path, "  memory: { path: memory }");
    expect(failureOf(await run("key", "check", "--json"), 2).code).toBe("BACKUP_NOT_FOUND");
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(failureOf(await run("key", "check", "--json"), 2).code).toBe("VAULT_OTHER_FORM");
    const recover = ["recover", vault, "--key-file", folder.join("x.key"), "--json"];
    expect(failureOf(await holdfast(recover, { cwd: folder.path }), 2).message).toContain("a key has no effect");
  });
});

describe("holdfast init", () => {
  it("killed between the vault and its keys leaves nothing that a second run does not take up", async () => {
    using folder = temporaryFolder();
    writeTree(folder.join("agent"), { "memory/a.md": "# A\n" });
    const init = ["init", "agent", "--vault", "vault", "--key-file", "agent.key"];
    const killed = await holdfast(init, { cwd: folder.path, env: { HOLDFAST_CRASHPOINT: "vault-created" } });
    expect(killed.signal).toBe("SIGKILL");
    expect(existsSync(folder.join("agent", "holdfast.yaml"))).toBe(false);
    const made = documentOf<{ recovery_sheet: string; format: string }>(await holdfast([...init, "--json"], { cwd: folder.path }), 0);
    expect(made).toMatchObject({ format: "repository", recovery_sheet: folder.join("agent.recovery-2.txt") });
    const check = ["--config", "agent/holdfast.yaml", "key", "check", "--json"];
    for (const args of [[], ["--recovery-code-file", made.recovery_sheet]])
      expect(documentOf<Checked>(await holdfast([...check, ...args], { cwd: folder.path }), 0).opens).toBe("all");
  });
});
