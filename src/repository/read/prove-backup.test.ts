import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../../test/support/repository-stage.ts";
import type { BackupId } from "../../vault/index.ts";
import type { ProvedBackup } from "../../vault/index.ts";

async function prove(stage: RepositoryStage, id: BackupId, signal?: AbortSignal): Promise<ProvedBackup | undefined> {
  await using vault = await stage.open();
  await using reader = await vault.open(id);
  return await reader.prove?.(signal === undefined ? {} : { signal });
}

/** Some of it in small files, some in large ones; in threads when it is more than a few megabytes. */
function fill(stage: RepositoryStage, large: number): void {
  mkdirSync(stage.join("notes"));
  for (let number = 0; number < 60; number += 1) writeFileSync(stage.join("notes", String(number)), randomBytes(3000));
  writeFileSync(stage.join("notes", "large"), randomBytes(large));
}

describe.each([
  ["here", 500_000],
  ["in threads", 12_000_000],
])("RepositoryReader.prove(), %s", (_, large) => {
  it("counts the entries and bytes of a whole backup", async () => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    const { id } = await stage.take("notes");
    expect(await prove(stage, id)).toEqual({ entries: 62, bytes: 180_000 + large });
  });

  it.each([
    ["flipped", (path: string) => writeFileSync(path, flipped(readFileSync(path)))],
    ["cut short", (path: string) => truncateSync(path, statSync(path).size - 1)],
    ["missing", (path: string) => rmSync(path)],
  ])("finds each pack that is %s", async (__, harm) => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    const { id } = await stage.take("notes");
    for (const pack of stage.packs()) {
      const whole = readFileSync(pack);
      harm(pack);
      await expect(prove(stage, id)).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
      writeFileSync(pack, whole);
    }
    expect(await prove(stage, id)).toMatchObject({ entries: 62 });
  });

  it("counts a database whose pages lie in the packs of several backups", async () => {
    await using stage = new RepositoryStage();
    using database = new DatabaseSync(stage.join("state.db"));
    database.exec("PRAGMA journal_mode=DELETE; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB); BEGIN");
    const insert = database.prepare("INSERT INTO t (x) VALUES (?)");
    // Of the larger one every thread reads ranges.
    for (let bytes = 0; bytes < large * 1.5; bytes += 1500) insert.run(randomBytes(1500));
    database.exec("COMMIT");
    await stage.take("state.db");
    for (let step = 0; step < 3; step += 1) {
      database.exec(`UPDATE t SET x = randomblob(1500) WHERE id % 50 = ${step}`);
      const { id } = await stage.take("state.db");
      expect(await prove(stage, id)).toEqual({ entries: 1, bytes: statSync(stage.join("state.db")).size });
    }
  });

  it("stops when it is told to", async () => {
    await using stage = new RepositoryStage();
    fill(stage, large);
    const { id } = await stage.take("notes");
    await expect(prove(stage, id, AbortSignal.abort())).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});

function flipped(bytes: Buffer): Buffer {
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}
