import { expect, it } from "vitest";
import { statSync } from "node:fs";
import { join } from "node:path";
import { openReading } from "../../src/sources/index.ts";
import { databaseProgram } from "../support/database-program.ts";
import { copyOf, pinnedContent } from "../support/pinned-content.ts";
import { noCounts, PinnedStage, type PinnedStageOptions } from "../support/pinned-stage.ts";
import { ask, makeDatabase } from "../support/source-database.ts";
import { testPlace } from "../support/source-place.ts";
import { seededRandom } from "../support/seeded-random.ts";

const SNAPSHOTS = Number(process.env["SOAK_SNAPSHOTS"] ?? 10_000);
const SEED = Number(process.env["SOAK_SEED"] ?? Date.now() % 1_000_000);
const CARELESS = 200;
/** Snapshots of one database. */
const EACH = 40;

it(`${SNAPSHOTS} pinned snapshots of databases that are written to, checkpointed and vacuumed are whole committed states`, async () => {
  console.log(`seed ${SEED}`);
  const counts = noCounts();
  for (let number = 0; counts.snapshots < SNAPSHOTS; number += 1) {
    const options = stageOf(SEED + number * 1000);
    try {
      await using stage = await PinnedStage.begin(options, counts);
      for (let n = 0; n < EACH && counts.snapshots < SNAPSHOTS; n += 1) await stage.snapshot(true);
    } catch (error) {
      throw new Error(`After ${JSON.stringify(counts)}, with ${JSON.stringify(options)}`, { cause: error });
    }
    if (number % 5 === 4) console.log(JSON.stringify(counts));
  }
  console.log(JSON.stringify(counts));
  expect(counts.snapshots).toBe(SNAPSHOTS);
  // Otherwise it was staging that was tried.
  expect(counts.pinned).toBeGreaterThan(SNAPSHOTS * 0.9);
});

it("the same without a look at the log's index gives states that never were", async () => {
  const troubles: string[] = [];
  let tried = 0;
  for (let number = 0; tried < CARELESS; number += 1) {
    await using stage = await PinnedStage.begin({ ...stageOf(SEED + number * 1000), checkpoints: true }, noCounts());
    for (let n = 0; n < EACH && tried < CARELESS; n += 1) {
      tried += 1;
      const trouble = await stage.careless();
      if (trouble !== undefined) troubles.push(trouble.replace(/^.*? is torn: /, "").slice(0, 120));
    }
  }
  console.log(`${troubles.length} of ${tried} torn, such as: ${troubles.slice(0, 5).join(" | ")}`);
  expect(troubles.length).toBeGreaterThan(0);
});

it("a database whose log has grown past a gigabyte is read in place while it goes on growing", async () => {
  using place = testPlace();
  const path = join(place.state, "large.db");
  makeDatabase(path, "wal");
  await using program = databaseProgram(path);
  await program.run("PRAGMA wal_autocheckpoint=0");
  const grow = async (rows: number): Promise<unknown> =>
    await program.run(
      `WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT ${rows}) INSERT INTO t (x) SELECT hex(randomblob(1000000)) FROM n`,
    );
  while ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) < 2 ** 30) await grow(32);
  const copy = join(place.folder, "copy.db");
  for (let n = 0; n < 3; n += 1) {
    const rows = (await program.run("SELECT count(*) AS rows FROM t"))?.["rows"];
    const reading = await openReading(place.request({ path, read: "pinned", now: 0 }));
    const { spans } = await pinnedContent(reading);
    await grow(4);
    await program.run("PRAGMA wal_checkpoint(PASSIVE)");
    await program.run("UPDATE t SET x = 'short' WHERE id % 9 = 1");
    copyOf(spans, copy);
    await reading.confirm();
    expect(reading.report().sqlite).toMatchObject({ read: "pinned", quick_check: "ok" });
    await reading.close();
    expect(ask(copy, "SELECT count(*) FROM t")).toBe(rows);
    expect(ask(copy, "PRAGMA integrity_check")).toBe("ok");
    console.log(`log of ${statSync(`${path}-wal`).size} bytes, ${spans.length} spans`);
  }
});

function stageOf(seed: number): PinnedStageOptions {
  const random = seededRandom(seed);
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const autoCheckpoint = oneOf([0, 5, 50, 1000]);
  return {
    seed,
    pageSize: oneOf([512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]),
    autoVacuum: oneOf(["NONE", "FULL", "INCREMENTAL"]),
    autoCheckpoint,
    blobBytes: oneOf([5000, 5000, 50_000, 300_000]),
    writers: oneOf([1, 1, 2]),
    // Somebody must, or the log has gigabytes within minutes.
    checkpoints: autoCheckpoint === 0 || random() < 0.8,
  };
}
