import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARCHIVE_FORMS, openArchiveVault } from "../../../test/support/archive.ts";
import { temporaryFolder, type TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { takeBackupOf } from "../../testing/index.ts";
import type { BackupId } from "../../vault/index.ts";
import { layoutOf } from "../layout.ts";
import type { LocalVault } from "../local-vault.ts";
import { ListingCache } from "./listing-cache.ts";
import { isSettled, ReadBefore, SETTLED as DEFAULT, stampAt } from "./read-before.ts";

/** Longer than a tick of any kernel's clock, and short enough for a test. Milliseconds. */
const SETTLED = 50;

async function open(folder: TemporaryFolder, form: "tar.gz" | "directory", listings?: ListingCache): Promise<LocalVault> {
  return await openArchiveVault({
    path: folder.join("vault"),
    instance: { name: "contract" },
    compression: form === "tar.gz",
    create: true,
    ...(listings === undefined ? {} : { listings }),
  });
}

/** Other bytes of the same length in their place, with the time of the last change set back. */
function tamper(file: string, from: string, to: string): void {
  const { atime, mtime } = statSync(file);
  writeFileSync(file, readFileSync(file, "latin1").replace(from, to), "latin1");
  utimesSync(file, atime, mtime);
}

/** What somebody may do to a vault, by this program and behind its back. `pick` chooses a backup. */
const CHANGES: Readonly<Record<string, (vault: LocalVault, pick: number) => Promise<void> | void>> = {
  take: async (vault) => void (await takeBackupOf(vault, { a: "one" })),
  takeAnother: async (vault) => void (await takeBackupOf(vault, { b: "two" })),
  remove: async (vault, pick) => await withOne(vault, pick, async (id) => await vault.remove([id], "x", 0)),
  undelete: async (vault) => {
    const id = (await vault.list()).trash[0]?.id;
    if (id !== undefined && !existsSync(join(vault.location, id)) && !existsSync(join(vault.location, `${id}.tar.gz`)))
      await vault.undelete(id, 0);
  },
  sweep: async (vault) => void (await vault.sweepTrash()),
  pin: async (vault, pick) => await withOne(vault, pick, async (id) => await vault.setMark(id, "pin", { at: "2026-03-15T14:30:00Z" })),
  unpin: async (vault, pick) => await withOne(vault, pick, async (id) => await vault.setMark(id, "pin", null)),
  damage: async (vault, pick) => await withFile(vault, pick, (file) => tamper(file, '"trigger"', '"trigge1"')),
  anotherHost: async (vault, pick) => await withFile(vault, pick, (file) => tamper(file, '"host": "contract"', '"host": "elsewher"')),
  flip: async (vault, pick) =>
    await withFile(vault, pick, (file) => {
      const bytes = readFileSync(file);
      bytes[40] = (bytes[40] ?? 0) ^ 0x40;
      writeFileSync(file, bytes);
    }),
  truncate: async (vault, pick) => await withFile(vault, pick, (file) => writeFileSync(file, "")),
  rewriteTheSame: async (vault, pick) => await withFile(vault, pick, (file) => writeFileSync(file, readFileSync(file))),
  chmod: async (vault, pick) => await withFile(vault, pick, (file) => chmodSync(file, 0o640)),
  takeAway: async (vault, pick) => await withOne(vault, pick, (_, location) => rmSync(location, { recursive: true })),
  linkInstead: async (vault, pick) =>
    await withOne(vault, pick, (_, location) => {
      const aside = join(vault.location, `elsewhere-${readdirSync(vault.location).length}`);
      renameSync(location, aside);
      symlinkSync(aside, location);
    }),
  tamperWithMark: (vault) => {
    const { marks } = layoutOf(vault.location, ARCHIVE_FORMS);
    const [name] = readdirSync(marks);
    if (name !== undefined) writeFileSync(join(marks, name), "{");
  },
  tamperWithRecord: (vault) => {
    const { records } = layoutOf(vault.location, ARCHIVE_FORMS);
    const [name] = readdirSync(records);
    if (name !== undefined) tamper(join(records, name), '"reason"', '"reas0n"');
  },
  loseRecord: (vault) => {
    const { records } = layoutOf(vault.location, ARCHIVE_FORMS);
    const [name] = readdirSync(records);
    if (name !== undefined) rmSync(join(records, name));
  },
  forgetNewest: (vault) => rmSync(layoutOf(vault.location, ARCHIVE_FORMS).newest, { force: true }),
  somethingElse: (vault, pick) => writeFileSync(join(vault.location, `notes-${pick}.txt`), ""),
};

async function withOne(vault: LocalVault, pick: number, act: (id: BackupId, location: string) => Promise<void> | void): Promise<void> {
  const { backups } = await vault.list();
  const one = backups[pick % Math.max(1, backups.length)];
  if (one !== undefined) await act(one.id, one.location);
}

async function withFile(vault: LocalVault, pick: number, act: (file: string) => void): Promise<void> {
  await withOne(vault, pick, (_, location) => act(location.endsWith(".tar.gz") ? location : join(location, "manifest.json")));
}

describe("ListingCache.list()", () => {
  it.each(["directory", "tar.gz"] as const)("is the listing without a cache, whatever is done to the vault (%s)", async (form) => {
    let recalled = 0;
    const steps = fc.array(fc.tuple(fc.constantFrom(...Object.keys(CHANGES)), fc.nat(5)), { minLength: 6, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        using folder = temporaryFolder();
        const listings = new ListingCache({ settled: SETTLED });
        await using changed = await open(folder, form);
        await using cached = await open(folder, form, listings);
        for (const [name, pick] of [["take", 0], ["take", 0], ["pin", 0], ...list] as const) {
          await CHANGES[name]?.(changed, pick);
          const now = await changed.list();
          expect(await cached.list(), name).toEqual(now);
          // What was remembered by now must be as good.
          expect(await cached.list(), name).toEqual(now);
        }
        recalled += listings.recalled;
      }),
      { numRuns: 8 },
    );
    expect(recalled).toBeGreaterThan(0);
  });

  it("reads nothing again of a vault that holds still, and forgets what is gone", async () => {
    using folder = temporaryFolder();
    const listings = new ListingCache({ settled: SETTLED });
    await using vault = await open(folder, "directory", listings);
    const first = await takeBackupOf(vault, { a: "one" });
    const second = await takeBackupOf(vault, { a: "two" });
    // Two backups, and the folders of the vault and of its trash.
    const recalls = async (): Promise<number> => {
      const before = listings.recalled;
      await vault.list();
      return listings.recalled - before;
    };
    await expect.poll(recalls, { interval: 5 }).toBe(4);
    rmSync(first.location, { recursive: true });
    expect((await vault.list()).missing).toEqual([1]);
    await expect.poll(recalls, { interval: 5 }).toBe(3);
    // The manifest behind the link is the very file that was read before.
    renameSync(second.location, folder.join("elsewhere"));
    symlinkSync(folder.join("elsewhere"), second.location);
    expect((await vault.list()).damaged).toMatchObject([{ name: second.id, problem: expect.stringContaining("link") as string }]);
  });

  it("in a vault of many files looks at each of them for a fiftieth of the time, and at every name always", async () => {
    using folder = temporaryFolder();
    let now = 0;
    // A look takes a millisecond by this clock.
    const listings = new ListingCache({ settled: SETTLED, many: 1, monotonic: () => (now += 1) });
    await using vault = await open(folder, "directory", listings);
    const head = await takeBackupOf(vault, { a: "one" });
    const other = await takeBackupOf(vault, { a: "two" });
    const still = async (): Promise<boolean> => {
      const before = await vault.list();
      return (await vault.list()) === before;
    };
    await expect.poll(still, { interval: 5 }).toBe(true);
    now += 1000;
    const listed = await vault.list();
    writeFileSync(join(head.location, "manifest.json"), "damaged");
    expect(await vault.list()).toBe(listed);
    await vault.setMark(other.id, "pin", { at: "2026-03-15T14:30:00Z" });
    expect((await vault.list()).damaged).toMatchObject([{ name: head.id }]);
    await expect.poll(still, { interval: 5 }).toBe(true);
    now += 1000;
    const later = await vault.list();
    writeFileSync(join(head.location, "manifest.json"), "other damage");
    expect(await vault.list()).toBe(later);
    now += 51;
    expect((await vault.list()).damaged[0]?.problem).not.toBe(later.damaged[0]?.problem);
  });

  it("belongs to one vault: another one's identity begins it anew", async () => {
    using folder = temporaryFolder();
    const listings = new ListingCache({ settled: -1 });
    const layout = layoutOf(folder.join("vault"), ARCHIVE_FORMS);
    await using vault = await open(folder, "directory");
    await takeBackupOf(vault, { a: "one" });
    expect(listings.list(layout, vault.identity.id).backups).toHaveLength(1);
    expect(listings.list(layout, "another").backups).toEqual([]);
    expect(listings.list(layout, vault.identity.id).backups).toHaveLength(1);
  });
});

describe("isSettled()", () => {
  it("wants more time where a change may show in whole seconds only", () => {
    using folder = temporaryFolder();
    const stamp = stampAt(folder.path);
    if (stamp === undefined) throw new Error("A folder that is there has a stamp");
    const before = (millis: number): bigint => BigInt(Math.floor((Date.now() - millis) / 1000)) * 1_000_000_000n;
    expect(isSettled({ ...stamp, ctimeNs: before(1500) }, DEFAULT)).toBe(false);
    expect(isSettled({ ...stamp, ctimeNs: before(1500) + 1n }, DEFAULT)).toBe(true);
    expect(isSettled({ ...stamp, ctimeNs: before(4000) }, DEFAULT)).toBe(true);
    expect(isSettled({ ...stamp, ctimeNs: before(-1000) + 1n }, DEFAULT)).toBe(false);
  });
});

describe("ReadBefore.of()", () => {
  it("remembers nothing that changed a moment ago, nor what changed while it was read, nor what failed", () => {
    using folder = temporaryFolder();
    const file = folder.join("file");
    writeFileSync(file, "one");
    const fresh = new ReadBefore(60_000);
    for (let n = 0; n < 3; n += 1) fresh.of(file, () => n);
    expect([fresh.size, fresh.recalled]).toEqual([0, 0]);
    const eager = new ReadBefore(-1);
    eager.of(file, () => writeFileSync(file, "longer"));
    eager.of(file, () => writeFileSync(file, "longer still"));
    expect(eager.recalled).toBe(0);
    expect(() => eager.of(file, () => JSON.parse(readFileSync(file, "utf8")) as unknown)).toThrow(SyntaxError);
    expect(() => eager.of(folder.join("gone"), () => readFileSync(folder.join("gone")))).toThrow("ENOENT");
    expect(eager.size).toBe(0);
    expect([eager.of(file, () => 1), eager.of(file, () => 2)]).toEqual([1, 1]);
  });
});
