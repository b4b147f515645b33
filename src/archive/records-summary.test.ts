import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { LocalVault } from "../local-vault/index.ts";
import { takeBackupOf } from "../testing/index.ts";
import type { BackupHead, VaultRecord } from "../vault/index.ts";
import { openArchiveVault } from "./index.ts";

/** So many closed records are taken in by one. */
const MANY = 32;
const TIME = Date.parse("2026-03-15T14:30:00Z");
const FILES = { "a.txt": "alpha" };

function open(folder: TemporaryFolder): Promise<LocalVault> {
  return openArchiveVault({ path: folder.join("vault"), instance: { name: "contract" }, compression: false, create: true });
}

const recordNames = (folder: TemporaryFolder): string[] => readdirSync(folder.join("vault/.vault/records"));

/** Takes backups, each of which goes to the trash and then for good. */
async function comeAndGo(vault: LocalVault, times: number): Promise<void> {
  for (let turn = 0; turn < times; turn += 1) {
    const { id } = await takeBackupOf(vault, FILES);
    await vault.remove([id], "retention: newest 1", TIME);
    await vault.sweepTrash();
  }
}

async function expectSound(vault: LocalVault, backups: readonly string[]): Promise<void> {
  const listing = await vault.list();
  expect(listing).toMatchObject({ damaged: [], missing: [], chain: [] });
  expect(sortedIds(listing.backups)).toEqual([...backups].toSorted());
}

function sortedIds(backups: readonly { readonly id: string }[]): string[] {
  return backups.map(({ id }) => id).toSorted();
}

function summaryOf(folder: TemporaryFolder): { readonly path: string; readonly record: VaultRecord } {
  const found = recordNames(folder)
    .map((name) => folder.join("vault/.vault/records", name))
    .map((path) => ({ path, record: JSON.parse(readFileSync(path, "utf8")) as VaultRecord }))
    .find(({ record }) => record.kind === "summary");
  if (found === undefined) throw new Error("There is no summary");
  return found;
}

describe("the records of what is gone for good", () => {
  it("are taken in by one, again and again, and no number is missed", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const first = await takeBackupOf(vault, FILES);
    await comeAndGo(vault, MANY - 1);
    expect(recordNames(folder)).toHaveLength(MANY - 1);
    await comeAndGo(vault, 1);
    expect(recordNames(folder)).toHaveLength(1);
    const { record } = summaryOf(folder);
    // A backup and its record for each turn, behind the first backup.
    expect(record).toMatchObject({ version: "2", backups: [], gone: [{ from: 2, to: 2 * MANY + 1 }], sequence: 2 * MANY + 2 });
    await expectSound(vault, [first.id]);
    const kept = await takeBackupOf(vault, FILES);
    expect(kept.manifest).toMatchObject({ sequence: 2 * MANY + 3, previous: { sequence: 2 * MANY + 2 } });
    await comeAndGo(vault, 2 * MANY);
    expect(recordNames(folder).length).toBeLessThan(MANY);
    expect(summaryOf(folder).record.gone).toHaveLength(2);
    await expectSound(vault, [first.id, kept.id]);
    await using again = await open(folder);
    await expectSound(again, [first.id, kept.id]);
  });

  it("stay while what they are about is in the trash, or came back from it", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const returned = await takeBackupOf(vault, FILES);
    await vault.remove([returned.id], "by hand", TIME);
    await vault.undelete(returned.id, TIME);
    await comeAndGo(vault, MANY);
    expect(recordNames(folder)).toHaveLength(3);
    const trashed = await takeBackupOf(vault, FILES);
    await vault.remove([trashed.id], "not needed", TIME);
    const { trash } = await vault.list();
    expect(trash).toEqual([{ id: trashed.id, removedAt: new Date(TIME).toISOString(), reason: "not needed" }]);
    await expectSound(vault, [returned.id]);
    await vault.undelete(trashed.id, TIME);
    await comeAndGo(vault, MANY);
    await expectSound(vault, [returned.id, trashed.id]);
  });

  it("say in one as well what a backup refers to, and that another one was taken away", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    await comeAndGo(vault, 1);
    const kept = await takeBackupOf(vault, FILES);
    const lost = await takeBackupOf(vault, FILES);
    await comeAndGo(vault, MANY);
    expect(summaryOf(folder).record.referred).toEqual([kept.manifest.previous]);
    await expectSound(vault, [kept.id, lost.id]);
    const { path, record } = summaryOf(folder);
    const forged = { ...record, referred: [{ ...kept.manifest.previous, sha256: "0".repeat(64) }] };
    writeFileSync(path, JSON.stringify(forged));
    expect((await vault.list()).chain).toHaveLength(1);
    writeFileSync(path, JSON.stringify(record, null, 2) + "\n");
    cpSync(lost.location, folder.join("aside"), { recursive: true });
    rmSync(lost.location, { recursive: true });
    expect(await vault.list()).toMatchObject({ missing: [lost.manifest.sequence], chain: [] });
    cpSync(folder.join("aside"), lost.location, { recursive: true });
    await expectSound(vault, [kept.id, lost.id]);
  });

  it("keep a backup from coming back that somebody laid there again", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const gone = await takeBackupOf(vault, FILES);
    cpSync(gone.location, folder.join("aside"), { recursive: true });
    await vault.remove([gone.id], "by hand", TIME);
    await vault.sweepTrash();
    await comeAndGo(vault, MANY);
    expect(recordNames(folder).length).toBeLessThan(3);
    cpSync(folder.join("aside"), gone.location, { recursive: true });
    const next = await takeBackupOf(vault, FILES);
    await vault.remove([next.id], "the next writer", TIME);
    const listing = await vault.list();
    expect(listing.backups).toEqual([]);
    expect(listing.trash.map(({ id }) => id).toSorted()).toEqual([gone.id, next.id].toSorted());
  });

  it.each([
    ["that reaches itself", { gone: [{ from: 1, to: 66 }] }],
    [
      "whose ranges touch",
      {
        gone: [
          { from: 1, to: 2 },
          { from: 3, to: 4 },
        ],
      },
    ],
    [
      "whose ranges fall",
      {
        gone: [
          { from: 9, to: 9 },
          { from: 3, to: 4 },
        ],
      },
    ],
    ["with a range that ends before it begins", { gone: [{ from: 4, to: 3 }] }],
    ["without ranges", { gone: undefined }],
    ["that refers to what comes behind it", { referred: [{ sequence: 99, sha256: "0".repeat(64) }] }],
    ["of another kind", { kind: "removal" }],
    ["of a version to come", { version: "3" }],
  ])("are not believed out of a summary %s", async (_, change) => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    await comeAndGo(vault, MANY);
    const { path, record } = summaryOf(folder);
    writeFileSync(path, JSON.stringify({ ...record, ...change }));
    const listing = await vault.list();
    expect(listing.damaged.map(({ name }) => name)).toEqual([`records/${record.sequence}.json`]);
    expect(listing.missing.length).toBeGreaterThan(0);
  });

  it("of a vault whose numbers somebody forged to be endless are told without end in sight", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    await comeAndGo(vault, MANY);
    const { record } = summaryOf(folder);
    const sequence = 9_000_000_000_000_000;
    const forged = { ...record, sequence, gone: [{ from: 1, to: 5_000_000_000_000_000 }] };
    writeFileSync(folder.join(`vault/.vault/records/${sequence}.json`), JSON.stringify(forged));
    const listing = await vault.list();
    expect(listing.missing).toHaveLength(1000);
    expect(listing.chain).toContain("more than 1000 numbers are missing");
  });

  it("hold whatever comes, goes and returns in between", async () => {
    const step = fc.constantFrom("take", "take", "remove", "remove", "undelete", "sweep", "crowd");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        using folder = temporaryFolder();
        await using vault = await open(folder);
        const there: BackupHead[] = [];
        const trash: BackupHead[] = [];
        for (const what of steps) {
          if (what === "take") there.push(await takeBackupOf(vault, FILES));
          if (what === "crowd") await comeAndGo(vault, 20).then(() => trash.splice(0));
          if (what === "sweep") await vault.sweepTrash().then(() => trash.splice(0));
          const [from, to] = what === "remove" ? [there, trash] : [trash, there];
          const one = what === "remove" || what === "undelete" ? from.shift() : undefined;
          // An id may have been given out again meanwhile.
          if (one === undefined || to.some(({ id }) => id === one.id)) continue;
          await (what === "remove" ? vault.remove([one.id], "by hand", TIME) : vault.undelete(one.id, TIME));
          to.push(one);
        }
        const listing = await vault.list();
        expect(listing).toMatchObject({ damaged: [], missing: [], chain: [] });
        expect(sortedIds(listing.backups)).toEqual(sortedIds(there));
      }),
      { numRuns: 15 },
    );
  });
});
