import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAnyVault } from "../../test/support/any-vault.ts";
import { placeOf, type StoredFormName } from "../../test/support/stored-forms.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { takeBackupOf } from "../testing/index.ts";
import type { BackupHead } from "../vault/index.ts";
import { type LocalVault } from "../local-vault/index.ts";

const FORMS = ["tar.gz", "directory", "repository"] as const;
const TIME = Date.parse("2026-03-15T20:00:00Z");

function open(folder: TemporaryFolder, form: StoredFormName): Promise<LocalVault> {
  return openAnyVault(folder.join("vault"), form);
}

async function take(vault: LocalVault, count: number): Promise<BackupHead[]> {
  const heads: BackupHead[] = [];
  for (let number = 1; number <= count; number += 1) heads.push(await takeBackupOf(vault, { a: String(number), "b/c.txt": "c" }));
  return heads;
}

/** Makes a manifest that does not parse; `numbered` leaves its number to be seen. */
function ruin({ location, form }: BackupHead, numbered: boolean): void {
  if (form !== "directory") return writeFileSync(location, "no archive");
  const path = join(location, "manifest.json");
  writeFileSync(path, numbered ? readFileSync(path, "utf8").replace('"host": "contract"', '"host": 7') : "{");
}

async function expectSound(vault: LocalVault): Promise<void> {
  const { damaged, missing, chain } = await vault.list();
  expect([damaged, missing, chain]).toEqual([[], [], []]);
}

describe.each(FORMS)("the trash of a vault (%s)", (form) => {
  it("sweepTrash() waits for the next run while somebody reads, and what is read stays whole: a removal inside a restore takes nothing away", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    await using other = await open(folder, form);
    const [first] = await take(vault, 2);
    if (first === undefined) throw new Error("no backup");
    {
      await using reader = await other.open(first.id);
      await vault.remove([first.id], "retention", TIME);
      await expect(vault.sweepTrash()).rejects.toMatchObject({ code: "VAULT_BUSY" });
      const contents: string[] = [];
      for await (const { content } of reader.read()) for await (const chunk of content ?? []) contents.push(Buffer.from(chunk).toString());
      expect(contents.toSorted()).toEqual(["1", "c"]);
    }
    expect(await vault.sweepTrash()).toEqual([first.id]);
    expect(readdirSync(folder.join("vault/.vault/trash"))).toEqual([]);
    await expectSound(vault);
  });

  it("half of a backup that a killed sweep left is never listed, and goes with the next sweep", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const [first] = await take(vault, 2);
    if (first === undefined) throw new Error("no backup");
    await vault.remove([first.id], "retention", TIME);
    const left = folder.join("vault/.vault/trash/.gone-2026-03-15T10-00-00_manual");
    mkdirSync(left);
    writeFileSync(join(left, "entries.jsonl"), "half");
    expect((await vault.list()).trash.map(({ id }) => id)).toEqual([first.id]);
    await expectSound(vault);
    await vault.sweepTrash();
    expect(existsSync(left)).toBe(false);
  });

  it("remove() keeps the reason of each in the record, and list() tells it", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const [first, second] = await take(vault, 3);
    if (first === undefined || second === undefined) throw new Error("no backups");
    await vault.remove([first.id, second.id], "retention", TIME, new Map([[first.id, "older than 30 days"]]));
    expect(new Map((await vault.list()).trash.map(({ id, reason }) => [id, reason]))).toEqual(
      new Map([
        [first.id, "older than 30 days"],
        [second.id, "retention"],
      ]),
    );
    await expectSound(vault);
  });

  it("a backup that is damaged in the trash is no damage of the vault, and goes for good without a complaint", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const [first] = await take(vault, 2);
    if (first === undefined) throw new Error("no backup");
    await vault.remove([first.id], "too old", TIME);
    const trashed = folder.join("vault/.vault/trash", readdirSync(folder.join("vault/.vault/trash"))[0] ?? "");
    ruin({ ...first, location: trashed }, false);
    await expectSound(vault);
    expect((await vault.list()).trash).toEqual([
      { id: first.id, removedAt: new Date(TIME).toISOString(), reason: expect.stringContaining("too old; it is damaged: ") as string },
    ]);
    expect(await vault.sweepTrash()).toEqual([first.id]);
    await expectSound(vault);
  });

  it.each(form === "directory" ? [true, false] : [false])(
    "removeDamaged() takes it out of the list, its number told in the manifest: %s",
    async (numbered) => {
      using folder = temporaryFolder();
      await using vault = await open(folder, form);
      const [first, second, third] = await take(vault, 4);
      if (first === undefined || second === undefined || third === undefined) throw new Error("no backups");
      for (const head of [first, third]) ruin(head, numbered);
      const names = (await vault.list()).damaged.map(({ name }) => name);
      expect(names).toHaveLength(2);
      await vault.removeDamaged(names[1] ?? "", "deleted by hand", TIME);
      expect(await vault.list()).toMatchObject({ damaged: [{ name: names[0] }], missing: [], chain: [] });
      await vault.sweepTrash();
      expect(await vault.list()).toMatchObject({ damaged: [{ name: names[0] }], missing: [], chain: [] });
      await vault.removeDamaged(names[0] ?? "", "deleted by hand", TIME);
      await vault.sweepTrash();
      await expectSound(vault);
      await takeBackupOf(vault, { a: "next" });
      await expectSound(vault);
    },
  );

  it("undelete() brings a damaged one back as damaged, and without it no number is missing", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const [first] = await take(vault, 2);
    if (first === undefined) throw new Error("no backup");
    ruin(first, false);
    const [{ name } = { name: "" }] = (await vault.list()).damaged;
    await vault.removeDamaged(name, "deleted by hand", TIME);
    await vault.undelete(first.id, TIME + 1);
    expect(await vault.list()).toMatchObject({ damaged: [{ name }], missing: [], chain: [], trash: [] });
    rmSync(first.location, { recursive: true });
    await takeBackupOf(vault, { a: "next" });
    await expectSound(vault);
  });

  it("removeDamaged() refuses what is not damaged, and a record is not written for a move that cannot be made", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, form);
    const [first] = await take(vault, 2);
    if (first === undefined) throw new Error("no backup");
    await expect(vault.removeDamaged(first.id, "x", TIME)).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
    mkdirSync(folder.join("vault/.vault/trash", basename(placeOf(form, "", first.id))));
    await expect(vault.remove([first.id], "x", TIME)).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect((await vault.list()).backups).toHaveLength(2);
    expect(readdirSync(folder.join("vault/.vault/records"))).toEqual([]);
  });
});
