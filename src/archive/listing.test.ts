import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { takeBackupOf } from "../testing/index.ts";
import { openArchiveVault } from "./index.ts";
import { type LocalVault } from "../local-vault/index.ts";

const FORMS = ["tar.gz", "directory"] as const;

function open(
  folder: TemporaryFolder,
  options: { form?: "tar.gz" | "directory"; name?: string; create?: boolean } = {},
): Promise<LocalVault> {
  const { form = "directory", name = "contract", create = true } = options;
  return openArchiveVault({ path: folder.join("vault"), instance: { name }, compression: form === "tar.gz", create });
}

const FILES = { "a.txt": "alpha", "sub/b.txt": "beta" };

describe("LocalVault.list()", () => {
  it("reports what cannot be trusted, what is unfinished and what is not ours, and touches none of it", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const good = await takeBackupOf(vault, FILES);
    const bad = await takeBackupOf(vault, FILES);
    writeFileSync(
      `${bad.location}/manifest.json`,
      readFileSync(`${bad.location}/manifest.json`, "utf8").replace('"host": "contract"', '"host": 7'),
    );
    mkdirSync(folder.join("vault/2026-03-15T14-30-00_startup"));
    writeFileSync(folder.join("vault/2026-03-15T14-30-00_shutdown.tar.gz"), "no archive");
    symlinkSync(good.location, folder.join("vault/2026-03-15T14-30-00_scheduled"));
    cpSync(good.location, folder.join("vault/2026-03-15T14-30-09_manual"), { recursive: true });
    mkdirSync(folder.join("vault/.2026-03-15T14-30-00_manual-9.partial"));
    writeFileSync(folder.join("vault/.2026-03-15T14-30-00_manual-9.partial/body.gz"), "somebody's");
    for (const name of ["lost+found", "notes.txt", "2026-03-15T14-30-00_manual.bak"]) writeFileSync(folder.join("vault", name), "not ours");
    const listing = await vault.list();
    expect(listing.backups.map(({ id }) => id)).toEqual([good.id]);
    expect(listing.damaged.map(({ name }) => name)).toEqual(
      [
        bad.id,
        "2026-03-15T14-30-00_scheduled",
        "2026-03-15T14-30-00_shutdown.tar.gz",
        "2026-03-15T14-30-00_startup",
        "2026-03-15T14-30-09_manual",
      ].toSorted(),
    );
    expect(listing.damaged.find(({ name }) => name === bad.id)?.problem).toContain('"host"');
    expect(listing.foreign).toEqual([".2026-03-15T14-30-00_manual-9.partial", "2026-03-15T14-30-00_manual.bak", "lost+found", "notes.txt"]);
    // The damaged one still shows its number: it is not gone.
    expect(listing.missing).toEqual([]);
    await takeBackupOf(vault, FILES);
    expect((await vault.list()).foreign).toEqual(listing.foreign);
    expect((await vault.list()).damaged).toEqual(listing.damaged);
  });

  it("does not list a backup of another vault that was copied in", async () => {
    using folder = temporaryFolder();
    using other = temporaryFolder();
    await using vault = await open(folder);
    await using foreign = await open(other);
    const head = await takeBackupOf(foreign, FILES);
    cpSync(head.location, folder.join("vault", head.id), { recursive: true });
    const listing = await vault.list();
    expect([listing.backups, listing.damaged]).toMatchObject([
      [],
      [{ name: head.id, problem: expect.stringContaining("holdfast import") as string }],
    ]);
    await expect(vault.open(head.id)).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
  });

  it("names the link of the chain that does not hold when a manifest was changed", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const head = await takeBackupOf(vault, FILES);
    await takeBackupOf(vault, FILES);
    const path = `${head.location}/manifest.json`;
    writeFileSync(path, readFileSync(path, "utf8").replace('"host": "contract"', '"host": "elsewhere"'));
    const { chain, backups } = await vault.list();
    expect(backups.length).toBe(2);
    expect(chain).toEqual([expect.stringContaining("another document 1")]);
  });

  it("names numbers whose removal record is gone", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const head = await takeBackupOf(vault, FILES);
    await vault.remove([head.id], "x", 0);
    await takeBackupOf(vault, FILES);
    rmSync(folder.join("vault/.vault/records/2.json"));
    expect((await vault.list()).missing).toEqual([2]);
    await vault.sweepTrash();
    expect((await vault.list()).missing).toEqual([1, 2]);
  });

  it("keeps a pin that cannot be read, and reports it", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const head = await takeBackupOf(vault, FILES);
    await vault.setMark(head.id, "pin", { at: "2026-03-15T14:30:00Z" });
    writeFileSync(folder.join(`vault/.vault/marks/${head.id}.pin.json`), "");
    const listing = await vault.list();
    expect(listing.backups[0]?.marks.pin).toBeDefined();
    expect(listing.damaged).toMatchObject([{ name: `marks/${head.id}.pin.json` }]);
  });

  it("is the same while backups come and go, and never calls one damaged that is being deleted", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, { form: "tar.gz" });
    await using reader = await open(folder);
    const going = new AbortController();
    const changing = (async () => {
      for (let round = 0; round < 8; round += 1) {
        const head = await takeBackupOf(vault, { a: String(round) });
        if (round % 2 === 0) await vault.remove([head.id], "x", 0);
      }
      going.abort();
    })();
    let seen = 0;
    while (!going.signal.aborted) {
      const { damaged, missing, chain } = await reader.list();
      expect([damaged, missing, chain]).toEqual([[], [], []]);
      seen += 1;
      await new Promise(setImmediate);
    }
    await changing;
    expect(seen).toBeGreaterThan(0);
  });

  it.each(FORMS)("lists 100 backups well within the time of one (%s)", async (form) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, { form });
    const head = await takeBackupOf(vault, { a: "x".repeat(4_000_000) });
    const bytes = readFileSync(form === "tar.gz" ? head.location : `${head.location}/manifest.json`);
    for (let number = 2; number <= 100; number += 1) {
      // The id differs from the manifest's: as much is read of a damaged one as of a good one.
      const place = folder.join("vault", `${head.id}-${number}`);
      if (form === "tar.gz") writeFileSync(`${place}.tar.gz`, bytes);
      else {
        mkdirSync(place);
        writeFileSync(`${place}/manifest.json`, bytes);
      }
    }
    await vault.list();
    const begun = performance.now();
    const listing = await vault.list();
    const elapsed = performance.now() - begun;
    expect(listing.damaged.length).toBe(99);
    expect(elapsed).toBeLessThan(1000);
  });
});
