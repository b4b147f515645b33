import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../../test/support/repository-stage.ts";
import type { LocalVault } from "../../local-vault/index.ts";
import type { BackupId, ReadBack } from "../../vault/index.ts";

/** Two backups whose large file lies in packs of its own, which both name. */
async function sharing(stage: RepositoryStage): Promise<readonly [first: BackupId, second: BackupId]> {
  mkdirSync(stage.join("notes"));
  writeFileSync(stage.join("notes", "large"), randomBytes(12_000_000));
  writeFileSync(stage.join("notes", "plan"), "one\n");
  const first = await stage.take("notes");
  writeFileSync(stage.join("notes", "plan"), "two, and longer\n");
  const second = await stage.take("notes");
  return [first.id, second.id];
}

async function begun(vault: LocalVault): Promise<ReadBack> {
  const readBack = await vault.readBack();
  if (readBack === undefined) throw new Error("a repository is read back pack by pack");
  return readBack;
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** The pack in which the most lies. */
function largest(stage: RepositoryStage): string {
  const [path = ""] = stage.packs().toSorted((one, other) => statSync(other).size - statSync(one).size);
  return path;
}

describe("RepositoryReadBack", () => {
  it("packs() names every pack in the vault with its bytes and its backups, and no verdict before there is one", async () => {
    await using stage = new RepositoryStage();
    const ids = await sharing(stage);
    await using vault = await stage.open();
    await using readBack = await begun(vault);
    const packs = readBack.packs();
    expect(new Set(packs.map(({ name }) => name))).toEqual(new Set(stage.packs().map((path) => basename(path))));
    for (const { name, bytes, verdict } of packs) {
      expect(bytes).toBe(statSync(stage.packs().find((path) => path.endsWith(name)) ?? "").size);
      expect(verdict).toBeNull();
    }
    expect(new Set(packs.find(({ name }) => name === basename(largest(stage)))?.backups)).toEqual(new Set(ids));
  });

  it.each([
    ["flipped", flip, "damaged"],
    ["cut short", (path: string) => truncateSync(path, statSync(path).size - 1), "damaged"],
    ["missing", (path: string) => rmSync(path), "missing"],
  ])("readPacks() gives a pack that is %s its verdict, and the others theirs", async (_what, harm, state) => {
    await using stage = new RepositoryStage();
    await sharing(stage);
    const bad = basename(largest(stage));
    harm(largest(stage));
    await using vault = await stage.open();
    {
      await using readBack = await begun(vault);
      await readBack.readPacks(readBack.packs().map(({ name }) => name));
      await readBack.keep();
    }
    await using again = await begun(vault);
    expect(again.packs().length).toBeGreaterThan(2);
    for (const { name, verdict } of again.packs()) {
      expect(verdict?.problem ?? null).toEqual(name === bad ? expect.stringMatching(`^Pack "${bad}" .* is ${state}$`) : null);
      expect(Date.parse(verdict?.at ?? "")).toBe(Math.floor(vault.clock.now() / 1000) * 1000);
    }
  });

  it("proveBackup() reads no pack again that the same run has read, and keeps a verdict of each", async () => {
    await using stage = new RepositoryStage();
    const [first, second] = await sharing(stage);
    await using vault = await stage.open();
    const shared = largest(stage);
    {
      await using readBack = await begun(vault);
      expect(await readBack.proveBackup(first, { remember: true })).toEqual({ entries: 3, bytes: 12_000_004 });
      renameSync(shared, stage.join("taken away"));
      expect(await readBack.proveBackup(second)).toEqual({ entries: 3, bytes: 12_000_016 });
      await readBack.keep();
    }
    await using alone = await begun(vault);
    expect(alone.packs().every(({ verdict }) => verdict?.problem === null)).toBe(true);
    for (const id of [first, second]) await expect(alone.proveBackup(id)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
    expect(alone.packs().find(({ name }) => name === basename(shared))?.verdict?.problem).toContain("is missing");
  });

  it("proveBackup() looks at every pack of a backup, also when the first is damaged", async () => {
    await using stage = new RepositoryStage();
    const [first] = await sharing(stage);
    for (const pack of stage.packs()) flip(pack);
    await using vault = await stage.open();
    await using readBack = await begun(vault);
    await expect(readBack.proveBackup(first)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
    const looked = readBack
      .packs()
      .map(({ backups, verdict }) => [backups.includes(first), verdict?.problem?.includes("is damaged") ?? false]);
    for (const [named, found] of looked) expect(found).toBe(named);
    expect(looked.length).toBeGreaterThan(1);
  });

  it("keep() forgets packs that went with their backups, and holds back no sweep afterwards", async () => {
    await using stage = new RepositoryStage();
    const [, second] = await sharing(stage);
    await using vault = await stage.open();
    const readAll = async (): Promise<number> => {
      await using readBack = await begun(vault);
      await readBack.readPacks(readBack.packs().map(({ name }) => name));
      await readBack.keep();
      return readBack.packs().length;
    };
    const before = await readAll();
    const kept = (): string => readFileSync(stage.join("vault", ".vault", "packs.json"), "utf8");
    const names = stage.packs().map((path) => basename(path));
    await stage.forget(second);
    expect(await readAll()).toBeLessThan(before);
    for (const name of names) expect(kept().includes(name)).toBe(stage.packs().some((path) => basename(path) === name));
  });

  it("proveBackup() stops when it is told to, and keeps the verdicts of packs that it had read by then", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 20; number += 1) writeFileSync(stage.join("notes", String(number)), randomBytes(6_000_000));
    const { id } = await stage.take("notes");
    await using vault = await stage.open();
    const abort = new AbortController();
    let read = 0;
    {
      await using readBack = await begun(vault);
      const onBytes = (bytes: number): void => {
        if ((read += bytes) > 48_000_000) abort.abort();
      };
      await expect(readBack.proveBackup(id, { signal: abort.signal, onBytes })).rejects.toMatchObject({ code: "INTERRUPTED" });
      await readBack.keep();
    }
    await using again = await begun(vault);
    const verdicts = again.packs().flatMap(({ verdict }) => verdict ?? []);
    expect(verdicts.length).toBeGreaterThan(0);
    expect(verdicts.length).toBeLessThan(again.packs().length);
    expect(verdicts.every(({ problem }) => problem === null)).toBe(true);
  });

  it("stops when it is told to, and keeps what it read until then", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 8; number += 1) {
      writeFileSync(stage.join("notes", String(number)), randomBytes(6_000_000));
      await stage.take("notes");
    }
    await using vault = await stage.open();
    const abort = new AbortController();
    {
      await using readBack = await begun(vault);
      const reading = readBack.readPacks(
        readBack.packs().map(({ name }) => name),
        { signal: abort.signal, onBytes: () => abort.abort() },
      );
      await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
      await readBack.keep();
    }
    await using again = await begun(vault);
    const read = again.packs().filter(({ verdict }) => verdict !== null).length;
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(again.packs().length);
  });
});
