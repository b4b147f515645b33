import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { flipBit } from "../../test/support/flip-bit.ts";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import type { BackupHead, PackLook } from "../vault/index.ts";

interface Staged {
  readonly stage: RepositoryStage;
  readonly old: BackupHead;
  readonly young: BackupHead;
  /** Packs that both name, and those that the young one alone does. */
  readonly shared: readonly string[];
  readonly added: readonly string[];
}

async function withTwo(stage: RepositoryStage): Promise<Staged> {
  mkdirSync(stage.join("notes"));
  writeFileSync(stage.join("notes", "a"), randomBytes(50_000));
  const old = await stage.take("notes");
  const shared = stage.packs();
  writeFileSync(stage.join("notes", "b"), randomBytes(50_000));
  const young = await stage.take("notes");
  return { stage, old, young, shared, added: stage.packs().filter((path) => !shared.includes(path)) };
}

async function look(stage: RepositoryStage, ...heads: readonly BackupHead[]): Promise<PackLook | undefined> {
  await using vault = await stage.open();
  return await vault.lookAtPacks(heads.map(({ id }) => id));
}

const NOTHING: PackLook = { lost: [], untold: [] };

describe("lookAtPacks()", () => {
  it("tells a pack that is missing, one of another length, and what is no file, with the backups that need it", async () => {
    await using stage = new RepositoryStage();
    const { old, young, shared, added } = await withTwo(stage);
    expect(await look(stage, young, old)).toEqual(NOTHING);
    const [pack = ""] = added;
    const bytes = readFileSync(pack);
    const lost = async (): Promise<unknown> => (await look(stage, young, old))?.lost.map(({ name, is, backups }) => [name, is, backups]);

    rmSync(pack);
    expect(await lost()).toEqual([[basename(pack), "missing", [young.id]]]);
    expect(await look(stage, old)).toEqual(NOTHING);
    mkdirSync(pack);
    expect(await lost()).toEqual([[basename(pack), "changed", [young.id]]]);
    rmSync(pack, { recursive: true });
    writeFileSync(stage.join("elsewhere"), bytes);
    symlinkSync(stage.join("elsewhere"), pack);
    expect(await lost()).toEqual([[basename(pack), "changed", [young.id]]]);
    rmSync(pack);
    writeFileSync(pack, bytes);
    expect(await lost()).toEqual([]);
    appendFileSync(pack, "x");
    expect(await lost()).toEqual([[basename(pack), "changed", [young.id]]]);
    truncateSync(pack, bytes.length);
    expect(await look(stage, young, old)).toEqual(NOTHING);

    renameSync(join(stage.path, "packs"), stage.join("packs"));
    const all = (await look(stage, young, old))?.lost ?? [];
    expect(new Set(all.map(({ name }) => name))).toEqual(new Set([...shared, ...added].map((path) => basename(path))));
    expect(all.every(({ is }) => is === "missing")).toBe(true);
    expect(all.find(({ backups }) => backups.length === 2)?.backups).toEqual([young.id, old.id]);
    renameSync(stage.join("packs"), join(stage.path, "packs"));
    expect(await look(stage, young, old)).toEqual(NOTHING);
  });

  it("reads no pack: a byte that changed in its place is not seen", async () => {
    await using stage = new RepositoryStage();
    const { old, young } = await withTwo(stage);
    for (const pack of stage.packs()) flipBit(pack);
    expect(await look(stage, young, old)).toEqual(NOTHING);
  });

  it("calls nothing lost that went with its backup, and tells of a backup whose table cannot be read", async () => {
    await using stage = new RepositoryStage();
    const { old, young, added } = await withTwo(stage);
    await stage.forget(young.id);
    expect(stage.packs().filter((path) => added.includes(path))).toEqual([]);
    expect(await look(stage, young, old)).toEqual(NOTHING);
    truncateSync(join(stage.path, `${old.id}.backup`), 100);
    expect(await look(stage, young, old)).toEqual({
      lost: [],
      untold: [{ id: old.id, problem: expect.stringContaining(`${old.id}.backup`) }],
    });
  });
});
