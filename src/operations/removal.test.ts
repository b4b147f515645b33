import { describe, expect, it } from "vitest";
import { backupHead, type HeadSpec } from "../../test/support/backup-head.ts";
import { FAKE_NOW, fakeInstance, fakeVault } from "../../test/support/fake-vault.ts";
import type { Listing } from "../vault/index.ts";
import { remove, undelete } from "./removal.ts";

const ids = (...minutes: number[]): string[] => minutes.map((minute) => backupHead({ minute }).id);

/** Newest first; gives what the vault was asked to change. */
async function removing(
  specs: readonly HeadSpec[],
  reference: string,
  options: { force?: boolean; reason?: string } = {},
): Promise<readonly (readonly unknown[])[]> {
  const vault = fakeVault({ backups: specs.map((spec, index) => backupHead({ minute: specs.length - index, ...spec })) });
  const instance = fakeInstance(vault, { stateDir: "/nowhere" });
  try {
    await remove(instance, reference, {
      force: options.force ?? false,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    });
  } catch (error) {
    expect(vault.changes).toEqual([]);
    throw error;
  } finally {
    expect(vault.disposed).toBe(1);
  }
  return vault.changes;
}

describe("remove()", () => {
  it("moves one backup to the trash, with the reason and the time", async () => {
    expect(await removing([{}, {}], "latest")).toEqual([["remove", ids(2), "deleted by hand", FAKE_NOW]]);
    expect(await removing([{}, {}], ids(1)[0] ?? "", { reason: "too old" })).toEqual([["remove", ids(1), "too old", FAKE_NOW]]);
  });

  it.each([
    ["is pinned", [{ marks: { pin: { at: "2026-03-15T00:00:00Z" } } }, {}]],
    ["was taken before a migration", [{ trigger: "pre-migration" }, {}]],
    ["is the last one in the vault", [{}]],
  ] as const)("keeps one that %s, unless it is forced", async (why, specs) => {
    await expect(removing(specs, "latest")).rejects.toMatchObject({
      code: "BACKUP_PROTECTED",
      message: expect.stringContaining(why),
      hint: expect.stringContaining("--force"),
    });
    expect(await removing(specs, "latest", { force: true })).toHaveLength(1);
  });

  it.each([
    [
      "is the last good one of db",
      [{ components: { config: {} } }, { components: { db: {}, config: {} } }, { components: { config: {} } }],
      2,
    ],
    ["is the last good one of db", [{ components: { db: { suspect: true } } }, { components: { db: {} } }, {}], 2],
    ["was taken before a restore within the last 7 days", [{}, { trigger: "pre-restore" }], 1],
  ] as const)("keeps one that %s, unless it is forced", async (why, specs, minute) => {
    const { trigger = "manual" } = specs[specs.length - minute] as HeadSpec;
    const id = backupHead({ minute, trigger }).id;
    await expect(removing(specs, id)).rejects.toMatchObject({ code: "BACKUP_PROTECTED", message: expect.stringContaining(why) });
    expect(await removing(specs, id, { force: true })).toHaveLength(1);
  });

  it.each(["", ".tar.gz", ".backup"])(
    "removes a damaged %s by its whole id or its name, and never another whose id begins alike",
    async (suffix) => {
      const [good] = [backupHead({ minute: 1 })];
      const id = good.id.slice(0, -"manual".length);
      const alike = { ...good, id: `${id}startup-2` as typeof good.id };
      const name = `${id}startup${suffix}`;
      const listing = {
        backups: [alike, good],
        damaged: [
          { name, problem: "it does not parse" },
          { name: `marks/${id}startup.pin.json`, problem: "x" },
        ],
      };
      for (const reference of [`${id}startup`, name]) {
        const vault = fakeVault(listing);
        const removed = await remove(fakeInstance(vault, { stateDir: "/nowhere" }), reference, { force: false });
        expect(removed).toEqual({ id: `${id}startup`, name, damage: "it does not parse" });
        expect(vault.changes).toEqual([["remove damaged", name, "deleted by hand", FAKE_NOW]]);
      }
      const vault = fakeVault(listing);
      await remove(fakeInstance(vault, { stateDir: "/nowhere" }), `${id}startup-`, { force: true });
      expect(vault.changes).toEqual([["remove", [alike.id], "deleted by hand", FAKE_NOW]]);
    },
  );

  it("removes nothing when more than one backup, or none, is meant", async () => {
    await expect(removing([{}, {}], "2026-03-15")).rejects.toMatchObject({ code: "BACKUP_AMBIGUOUS" });
    await expect(removing([{}, {}], "2026-03-16")).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
    await expect(removing([{}, {}], "", { force: true })).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
  });
});

describe("undelete()", () => {
  const trash: Listing["trash"] = [1, 2, 11].map((minute) => ({
    id: backupHead({ minute }).id,
    removedAt: "2026-03-15T01:00:00Z",
    reason: "deleted by hand",
  }));

  async function bringBack(reference: string, lying: Listing["trash"] = trash): Promise<readonly (readonly unknown[])[]> {
    const vault = fakeVault({ trash: lying });
    await undelete(fakeInstance(vault, { stateDir: "/nowhere" }), reference);
    return vault.changes;
  }

  it("brings back the one that an id or a unique prefix names", async () => {
    expect(await bringBack(ids(2)[0] ?? "")).toEqual([["undelete", ids(2)[0], FAKE_NOW]]);
    expect(await bringBack("2026-03-15T00-11")).toEqual([["undelete", ids(11)[0], FAKE_NOW]]);
  });

  it.each([
    ["2026-03-15T00-0", "BACKUP_AMBIGUOUS"],
    ["2026-03-16", "BACKUP_NOT_FOUND"],
    ["2026-03-15T05-00-00_manual", "BACKUP_NOT_FOUND"],
    ["latest", "BACKUP_NOT_FOUND"],
    ["", "BACKUP_NOT_FOUND"],
  ])("refuses %j with %s, and says what there is", async (reference, code) => {
    await expect(bringBack(reference)).rejects.toMatchObject({ code, hint: expect.stringContaining(ids(1)[0] ?? "") });
    await expect(bringBack("", trash.slice(0, 1))).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
    await expect(bringBack("x", [])).rejects.toMatchObject({ hint: "The trash is empty" });
  });
});
