import fs, { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
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

  it("tell of a backup that was gone for good and is laid there again, and leave it where it is", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const gone = await takeBackupOf(vault, FILES);
    cpSync(gone.location, folder.join("aside"), { recursive: true });
    await vault.remove([gone.id], "by hand", TIME);
    await vault.sweepTrash();
    await comeAndGo(vault, MANY);
    expect(recordNames(folder).length).toBeLessThan(3);
    cpSync(folder.join("aside"), gone.location, { recursive: true });
    for (const times of [0, 1, 2 * MANY]) {
      await comeAndGo(vault, times);
      const listing = await vault.list();
      expect(listing.backups.map(({ id }) => id)).toEqual([gone.id]);
      expect(listing.chain).toEqual([expect.stringContaining(`"${gone.id}" has number 1, which is gone for good as a record says`)]);
      expect(listing).toMatchObject({ missing: [], damaged: [] });
    }
  });

  describe("never take a good backup with them", () => {
    it("whose copy under another id was removed as damaged", async () => {
      using folder = temporaryFolder();
      await using vault = await open(folder);
      const good = await takeBackupOf(vault, FILES);
      const copy = "2026-03-15T09-00-00_manual";
      cpSync(good.location, folder.join("vault", copy), { recursive: true });
      expect((await vault.list()).damaged.map(({ name }) => name)).toEqual([copy]);
      await vault.removeDamaged(copy, "a copy", TIME);
      await comeAndGo(vault, 2 * MANY);
      await expectSound(vault, [good.id]);
    });

    it("that came back from the trash, and was away for a while", async () => {
      using folder = temporaryFolder();
      await using vault = await open(folder);
      const good = await takeBackupOf(vault, FILES);
      await vault.remove([good.id], "by hand", TIME);
      await vault.undelete(good.id, TIME);
      renameSync(good.location, folder.join("aside"));
      await comeAndGo(vault, 2 * MANY);
      renameSync(folder.join("aside"), good.location);
      await comeAndGo(vault, 2 * MANY);
      const listing = await vault.list();
      expect(sortedIds(listing.backups)).toEqual([good.id]);
      expect(listing).toMatchObject({ damaged: [], missing: [], chain: [] });
    });

    it("whose number was taken for that of something else while it was away", async () => {
      using folder = temporaryFolder();
      await using vault = await open(folder);
      const good = await takeBackupOf(vault, FILES);
      renameSync(good.location, folder.join("aside"));
      const rubbish = "2026-03-15T09-00-00_manual";
      mkdirSync(folder.join("vault", rubbish));
      writeFileSync(folder.join("vault", rubbish, "manifest.json"), "rubbish");
      await vault.removeDamaged(rubbish, "rubbish", TIME);
      await comeAndGo(vault, 2 * MANY);
      renameSync(folder.join("aside"), good.location);
      await comeAndGo(vault, 2 * MANY);
      const listing = await vault.list();
      expect(listing.backups.map(({ id }) => id)).toEqual([good.id]);
      expect(listing.chain).toHaveLength(1);
    });

    it("over which the records of a later state of the vault were laid", async () => {
      using folder = temporaryFolder();
      await using vault = await open(folder);
      cpSync(folder.join("vault"), folder.join("before"), { recursive: true });
      await comeAndGo(vault, MANY);
      cpSync(folder.join("vault/.vault/records"), folder.join("records"), { recursive: true });
      rmSync(folder.join("vault"), { recursive: true });
      cpSync(folder.join("before"), folder.join("vault"), { recursive: true });
      await using older = await open(folder);
      const good: string[] = [];
      for (let turn = 0; turn < 4; turn += 1) good.push((await takeBackupOf(older, FILES)).id);
      cpSync(folder.join("records"), folder.join("vault/.vault/records"), { recursive: true });
      await comeAndGo(older, MANY + 1);
      const listing = await older.list();
      expect(listing.backups.map(({ id }) => id).toSorted()).toEqual(good.toSorted());
      expect(listing.chain.length).toBeGreaterThanOrEqual(4);
    });

    it("that was damaged, removed, brought back and mended", async () => {
      using folder = temporaryFolder();
      await using vault = await open(folder);
      const good = await takeBackupOf(vault, FILES);
      const manifest = `${good.location}/manifest.json`;
      const bytes = readFileSync(manifest);
      writeFileSync(manifest, "broken");
      await vault.removeDamaged(good.id, "broken", TIME);
      await vault.undelete(good.id, TIME);
      writeFileSync(manifest, bytes);
      const { chain } = await vault.list();
      await comeAndGo(vault, 2 * MANY);
      const listing = await vault.list();
      expect(sortedIds(listing.backups)).toEqual([good.id]);
      expect(listing).toMatchObject({ damaged: [], missing: [], chain });
    });

    it("that was brought back while it could not be read", async () => {
      using folder = temporaryFolder();
      await using vault = await open(folder);
      const good = await takeBackupOf(vault, FILES);
      await vault.remove([good.id], "by hand", TIME);
      const manifest = folder.join("vault/.vault/trash", good.id, "manifest.json");
      const bytes = readFileSync(manifest);
      writeFileSync(manifest, "broken");
      await vault.undelete(good.id, TIME);
      writeFileSync(`${good.location}/manifest.json`, bytes);
      for (const times of [0, 1, 2 * MANY]) {
        await comeAndGo(vault, times);
        const listing = await vault.list();
        expect(sortedIds(listing.backups)).toEqual([good.id]);
        expect(listing.chain).toEqual([expect.stringContaining(`"${good.id}" was removed, as record 2 says, and is there`)]);
      }
    });

    it.each(["damaged", "lost"])("whose return is in a record that is %s", async (how) => {
      using folder = temporaryFolder();
      await using vault = await open(folder);
      const good = await takeBackupOf(vault, FILES);
      await vault.remove([good.id], "by hand", TIME);
      await vault.undelete(good.id, TIME);
      await comeAndGo(vault, 1);
      const path = folder.join("vault/.vault/records/3.json");
      if (how === "lost") rmSync(path);
      else writeFileSync(path, readFileSync(path, "utf8").replace('"return"', '"reTurn"'));
      for (const times of [0, 1, 2 * MANY]) {
        await comeAndGo(vault, times);
        const listing = await vault.list();
        expect(sortedIds(listing.backups)).toEqual([good.id]);
        expect(listing.damaged.length + listing.missing.length).toBe(1);
      }
    });

    it("whatever is damaged, mended, copied, taken away and laid back in between", async () => {
      const step = fc.constantFrom(
        "take",
        "remove",
        "damage",
        "drop",
        "return",
        "mend",
        "copy",
        "away",
        "back",
        "crowd",
        "spoil",
        "undelete",
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          using folder = temporaryFolder();
          await using vault = await open(folder);
          const good: BackupHead[] = [];
          const broken: { readonly head: BackupHead; readonly bytes: Buffer }[] = [];
          const dropped: typeof broken = [];
          const away: BackupHead[] = [];
          const spoilt: typeof broken = [];
          const manifestOf = ({ location }: BackupHead): string => `${location}/manifest.json`;
          const aside = ({ manifest }: BackupHead): string => folder.join(`aside-${manifest.sequence}`);
          let [turn, copies] = [0, 0];
          for (const what of steps) {
            turn += 1;
            // Ids are given out once, so that what is laid back finds its place.
            if (what === "take") good.push(await takeBackupOf(vault, FILES, TIME + turn * 1000));
            if (what === "crowd") await comeAndGo(vault, MANY);
            const trashed = (head: BackupHead): string => folder.join("vault/.vault/trash", head.id, "manifest.json");
            const lists = {
              remove: good,
              spoil: good,
              undelete: spoilt,
              damage: good,
              away: good,
              copy: good,
              drop: broken,
              mend: broken,
              return: dropped,
              back: away,
            };
            const one = what in lists ? lists[what as keyof typeof lists].shift() : undefined;
            if (one === undefined) continue;
            if ("bytes" in one) {
              if (what === "drop") await vault.removeDamaged(one.head.id, "broken", TIME);
              if (what === "return") await vault.undelete(one.head.id, TIME).catch(() => {});
              if (what === "mend") writeFileSync(manifestOf(one.head), one.bytes);
              if (what === "undelete" && existsSync(trashed(one.head))) {
                await vault.undelete(one.head.id, TIME);
                writeFileSync(manifestOf(one.head), one.bytes);
                good.push(one.head);
              } else if (what === "undelete") continue;
              else if (what === "drop") dropped.push(one);
              else if (what === "mend") good.push(one.head);
              else if (existsSync(one.head.location)) broken.push(one);
            } else if (what === "remove") await vault.remove([one.id], "by hand", TIME);
            else if (what === "spoil") {
              const bytes = readFileSync(manifestOf(one));
              await vault.remove([one.id], "by hand", TIME);
              writeFileSync(trashed(one), "broken");
              spoilt.push({ head: one, bytes });
            } else if (what === "damage") {
              broken.push({ head: one, bytes: readFileSync(manifestOf(one)) });
              writeFileSync(manifestOf(one), "broken");
            } else if (what === "copy") {
              const name = `2026-03-15T09-00-${String((copies += 1)).padStart(2, "0")}_manual`;
              cpSync(one.location, folder.join("vault", name), { recursive: true });
              await vault.removeDamaged(name, "a copy", TIME);
              good.push(one);
            } else if (what === "away") {
              renameSync(one.location, aside(one));
              away.push(one);
            } else {
              renameSync(aside(one), one.location);
              good.push(one);
            }
            expect(sortedIds((await vault.list()).backups)).toEqual(sortedIds(good));
          }
        }),
        { numRuns: 25 },
      );
    });
  });

  it("are kept where they cannot be deleted, and the trash is swept all the same", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    await comeAndGo(vault, MANY - 1);
    // What cannot be deleted as a file; neither can it be read as a record.
    const first = await takeBackupOf(vault, FILES);
    await vault.remove([first.id], "by hand", TIME);
    const path = folder.join("vault/.vault/records", recordNames(folder).toSorted()[0] ?? "");
    const bytes = readFileSync(path);
    const unlinked = vi
      .spyOn(fs, "unlink")
      .mockImplementation((place, done) => done(Object.assign(new Error("EPERM"), { code: "EPERM", path: String(place) })));
    syncBuiltinESMExports();
    try {
      expect(await vault.sweepTrash()).toEqual([first.id]);
    } finally {
      unlinked.mockRestore();
      syncBuiltinESMExports();
    }
    expect(readFileSync(path)).toEqual(bytes);
    await expectSound(vault, []);
    await comeAndGo(vault, 1);
    expect(recordNames(folder).length).toBeLessThan(3);
    await expectSound(vault, []);
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
