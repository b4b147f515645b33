import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openAnyVault } from "../../test/support/any-vault.ts";
import { CHECKOUT } from "../../test/support/holdfast.ts";
import { runProgram, type ProgramResult } from "../../test/support/run-program.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Crashpoint } from "../kernel/index.ts";
import { readAll, takeBackupOf } from "../testing/index.ts";
import type { Vault } from "../vault/index.ts";
import { exportBackup } from "./index.ts";

/** The same for every vault on a local disk: looked at here with the one whose processes are killed already. */
const FORMS = ["tar.gz", "directory", "repository"] as const;
type Form = (typeof FORMS)[number];
const ID = "2026-03-15T14-30-00_manual";

function open(folder: TemporaryFolder, form: Form, name = "vault"): Promise<Vault> {
  return openAnyVault(folder.join(name), form);
}

const PACKED: readonly (readonly [Crashpoint, number])[] = [
  ["pack-before-publish", 0],
  ["pack-published", 0],
  ["repository-content-stored", 0],
];

/** Runs one action in a process that kills itself at the crashpoint. */
async function killAt(point: Crashpoint, folder: TemporaryFolder, form: Form, ...action: string[]): Promise<ProgramResult> {
  const argv = [process.execPath, `${CHECKOUT}/test/support/vault-process.ts`, folder.join("vault"), form, ...action];
  const result = await runProgram(argv, { env: { HOLDFAST_CRASHPOINT: point } });
  expect(`${point}: ${result.signal} ${result.stderr}`).toBe(`${point}: SIGKILL `);
  return result;
}

/** Nothing is half-made, and the vault works on: a new backup, no leftovers, an unbroken chain. */
async function expectSound(vault: Vault, before: number, content: string): Promise<void> {
  const listing = await vault.list();
  expect([listing.damaged, listing.missing, listing.chain, listing.foreign]).toEqual([[], [], [], []]);
  expect(listing.backups.length).toBe(before);
  const next = await takeBackupOf(vault, { a: content }, Date.parse("2026-04-01T00:00:00Z"));
  expect((await readAll(vault, next.id))["memory/a"]).toBe(content);
  const after = await vault.list();
  expect([after.unfinished, after.foreign, after.missing, after.chain, after.damaged]).toEqual([[], [], [], [], []]);
  expect(readdirSync(vault.location).filter((name) => name.startsWith("."))).toEqual([".vault"]);
  if (vault.identity.form === "repository") expect(readdirSync(`${vault.location}/packs/.new`)).toEqual([]);
}

describe.each(FORMS)("a vault (%s), killed", (form) => {
  const backup: readonly (readonly [Crashpoint, number])[] = [
    ["vault-created", 0],
    ["backup-claimed", 0],
    ["backup-component-stored", 0],
    ...(form === "tar.gz" ? ([["archive-body-written", 0]] as const) : []),
    ...(form === "repository" ? PACKED : []),
    ["backup-all-stored", 0],
    ["backup-before-sync", 0],
    ["backup-before-publish", 0],
    ["backup-published", 1],
  ];
  it.each(backup)("at %s of a backup lists %i and goes on", async (point, listed) => {
    expect.hasAssertions();
    using folder = temporaryFolder();
    await killAt(point, folder, form, "backup");
    await using vault = await open(folder, form);
    if (listed === 1) expect((await readAll(vault, (await vault.list()).backups[0]!.id))["memory/a"]).toBe("alpha");
    await expectSound(vault, listed, "after");
  });
});

/** What follows does not look into a backup: a folder is as good as a file. */
describe.each(FORMS.filter((form) => form !== "directory"))("a vault (%s), killed in another change", (form) => {
  it.each(["removal-recorded", "removal-moved"] as const)("at %s, the removal is finished by the next writer", async (point) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const head = await takeBackupOf(vault, { a: "alpha" });
    await killAt(point, folder, form, "remove", head.id);
    await expectSound(vault, point === "removal-recorded" ? 1 : 0, "after");
    const listing = await vault.list();
    expect(listing.backups.map(({ id }) => id)).not.toContain(head.id);
    expect(listing.trash).toMatchObject([{ id: head.id, reason: "test" }]);
    await vault.undelete(head.id, 0);
    expect((await readAll(vault, head.id))["memory/a"]).toBe("alpha");
  });

  it.each(["undelete-recorded", "undelete-moved"] as const)("at %s, the undelete is finished by the next writer", async (point) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const head = await takeBackupOf(vault, { a: "alpha" });
    await vault.remove([head.id], "test", 0);
    await killAt(point, folder, form, "undelete", head.id);
    await expectSound(vault, point === "undelete-recorded" ? 0 : 1, "after");
    expect((await readAll(vault, head.id))["memory/a"]).toBe("alpha");
    expect((await vault.list()).trash).toEqual([]);
  });

  it.runIf(form === "repository")("at pack-swept, what is left of the sweep is done by the next one, and no other pack goes", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const [gone, stays] = [await takeBackupOf(vault, { a: "alpha" }), await takeBackupOf(vault, { a: "another" })];
    await vault.remove([gone.id], "test", 0);
    await killAt("pack-swept", folder, form, "sweep");
    expect((await readAll(vault, stays.id))["memory/a"]).toBe("another");
    await expectSound(vault, 1, "after");
    await vault.sweepTrash();
    const { backups, trash } = await vault.list();
    expect([backups.length, trash]).toEqual([2, []]);
    expect((await readAll(vault, stays.id))["memory/a"]).toBe("another");
  });

  it.each([
    ["mark-before-publish", undefined],
    ["mark-published", "2026-03-15T14:30:00.000Z"],
  ] as const)("at %s, the mark is whole or not there", async (point, at) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const head = await takeBackupOf(vault, { a: "alpha" });
    await killAt(point, folder, form, "pin", head.id);
    expect((await vault.list()).backups[0]?.marks.pin?.at).toBe(at);
    await expectSound(vault, 1, "after");
  });

  it("at export-before-publish, there is no file under the name", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const head = await takeBackupOf(vault, { a: "alpha" });
    await killAt("export-before-publish", folder, form, "export", head.id, folder.join("out.tar.gz"));
    expect(existsSync(folder.join("out.tar.gz"))).toBe(false);
    await exportBackup(vault, head.id, folder.join("out.tar.gz"));
    expect(existsSync(folder.join("out.tar.gz"))).toBe(true);
  });

  it("at import-before-publish, nothing is listed, and the import can be repeated", async () => {
    using folder = temporaryFolder();
    await using source = await open(folder, form, "source");
    await takeBackupOf(source, { a: "alpha" });
    await exportBackup(source, (await source.list()).backups[0]!.id, folder.join("out.tar.gz"));
    await killAt("import-before-publish", folder, form, "import", folder.join("out.tar.gz"));
    await using vault = await open(folder, form);
    await expectSound(vault, 0, "after");
    const result = await runProgram([
      process.execPath,
      `${CHECKOUT}/test/support/vault-process.ts`,
      folder.join("vault"),
      form,
      "import",
      folder.join("out.tar.gz"),
    ]);
    expect(result.stdout + result.stderr).toBe("done\n");
    expect((await vault.list()).backups.map(({ id }) => id)).toContain(ID);
  });
});
