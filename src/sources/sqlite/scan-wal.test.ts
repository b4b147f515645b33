import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { identityOf } from "../../kernel/index.ts";
import { readContent } from "../../vault/index.ts";
import { commitRow, logOf, rowsBySqlite, rowsIn, sampleWal, withBigEndianChecksums } from "../../../test/support/sample-wal.ts";
import { temporaryFolder, type TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { FRAME_HEADER, scanWal, WAL_HEADER, walHeader, type ScannedWal } from "./scan-wal.ts";
import { snapshotSpans } from "./snapshot-spans.ts";

const scan = async (path: string, limit = Infinity): Promise<ScannedWal> => {
  const scanned = await scanWal(path, limit, undefined);
  if (scanned === undefined) throw new Error("No log");
  return scanned;
};

/** What the pages are that the log and the file give together, as SQLite reads them. */
function rowsBySpans(folder: TemporaryFolder, file: string, log: string, scanned: ScannedWal): string {
  const stats = statSync(file, { bigint: true });
  const spans = snapshotSpans({
    pageSize: scanned.pageSize,
    pages: scanned.pages,
    file: { path: file, identity: identityOf(stats), size: Number(stats.size) },
    log: { path: log, identity: scanned.identity, pageOf: scanned.pageOf },
  });
  const parts: Buffer[] = [];
  for (const step of readContent({ kind: "staged", spans, movable: false }, Buffer.alloc(4096)))
    if (step.step === "bytes") parts.push(Buffer.from(step.bytes));
  const whole = folder.join("whole.db");
  writeFileSync(whole, Buffer.concat(parts));
  return rowsBySqlite(whole, undefined, folder.join("scratch.db"));
}

describe("scanWal()", () => {
  for (const pageSize of [512, 4096, 65_536]) {
    it(`finds the last frame of every page of ${pageSize} bytes, in the byte order of either sort of machine`, async () => {
      using folder = temporaryFolder();
      const sample = sampleWal(folder.join("a.db"), 60, pageSize);
      const scanned = await scan(sample.log);
      expect(scanned).toMatchObject({ pageSize, frames: (statSync(sample.log).size - WAL_HEADER) / (FRAME_HEADER + pageSize) });
      const rows = rowsIn(sample.database);
      expect(rowsBySpans(folder, sample.path, sample.log, scanned)).toBe(rows);
      const other = folder.join("other-wal");
      writeFileSync(other, withBigEndianChecksums(logOf(sample), pageSize));
      // SQLite takes it, so it is such a log.
      expect(rowsBySqlite(sample.path, readFileSync(other), folder.join("scratch.db"))).toBe(rows);
      const swapped = await scan(other);
      expect([...swapped.pageOf]).toEqual([...scanned.pageOf]);
      expect(swapped.checksum).not.toEqual(scanned.checksum);
      sample.database.close();
    });
  }

  it("gives the same state as SQLite for a log that ends at any byte", async () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 5);
    const bytes = logOf(sample);
    const cut = folder.join("cut-wal");
    const frame = FRAME_HEADER + sample.pageSize;
    writeFileSync(cut, bytes);
    const descriptor = openSync(cut, "r+");
    let frames = -1;
    let asked = 0;
    for (let length = bytes.length; length >= 0; length -= 1) {
      ftruncateSync(descriptor, length);
      const scanned = await scanWal(cut, Infinity, undefined);
      expect(scanned === undefined, `${length} bytes`).toBe(length < WAL_HEADER);
      if (scanned === undefined) continue;
      const whole = Math.floor((length - WAL_HEADER) / frame);
      expect(scanned.frames).toBeLessThanOrEqual(whole);
      expect(scanned.frames === 0 || bytes.readUInt32BE(WAL_HEADER + (scanned.frames - 1) * frame + 4) > 0).toBe(true);
      if (scanned.frames === frames) continue;
      ({ frames } = scanned);
      if (frames === 0) continue;
      asked += 1;
      expect(rowsBySpans(folder, sample.path, cut, scanned)).toBe(
        rowsBySqlite(sample.path, bytes.subarray(0, length), folder.join("b.db")),
      );
    }
    closeSync(descriptor);
    expect(asked).toBeGreaterThan(4);
    expect(frames).toBe(0);
    sample.database.close();
  });

  it("takes nothing behind a bit that was flipped, wherever it is", async () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 2);
    const bytes = logOf(sample);
    const frame = FRAME_HEADER + sample.pageSize;
    const damaged = folder.join("damaged-wal");
    for (let at = 0; at < bytes.length; at += 1) {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(damaged, copy);
      const scanned = await scanWal(damaged, Infinity, undefined);
      if (at < WAL_HEADER) expect(scanned?.frames ?? 0, `byte ${at}`).toBe(0);
      else expect(scanned?.frames, `byte ${at}`).toBeLessThanOrEqual(Math.floor((at - WAL_HEADER) / frame));
    }
    sample.database.close();
  });

  it("leaves out what a transaction that was rolled back had written into the log", async () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 200);
    const before = await scan(sample.log);
    sample.database.exec("PRAGMA cache_size=5; BEGIN; UPDATE t SET x = x || 'never'; INSERT INTO t SELECT x FROM t");
    const spilt = await scan(sample.log);
    expect(statSync(sample.log).size).toBeGreaterThan(WAL_HEADER + before.frames * (FRAME_HEADER + sample.pageSize));
    expect(spilt).toMatchObject({ frames: before.frames, pages: before.pages, checksum: before.checksum });
    sample.database.exec("ROLLBACK");
    expect([...(await scan(sample.log)).pageOf]).toEqual([...before.pageOf]);
    expect(rowsBySpans(folder, sample.path, sample.log, await scan(sample.log))).toBe(rowsIn(sample.database));
    sample.database.close();
  });

  it("stops where the frames of an older generation stand", async () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 100);
    const old = await scan(sample.log);
    sample.database.exec("PRAGMA wal_checkpoint(RESTART)");
    commitRow(sample.database, 1000);
    const young = await scan(sample.log);
    expect(statSync(sample.log).size).toBe(WAL_HEADER + old.frames * (FRAME_HEADER + sample.pageSize));
    expect(young.frames).toBeLessThan(10);
    expect(young.salts).not.toBe(old.salts);
    expect(rowsBySpans(folder, sample.path, sample.log, young)).toBe(rowsIn(sample.database));
    sample.database.close();
  });

  it("goes no further than it is told, to the last commit before", async () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 30);
    const marks = new Set<number>();
    const { frames } = await scan(sample.log);
    for (let limit = 0; limit <= frames; limit += 1) {
      const scanned = await scan(sample.log, limit);
      expect(scanned.frames).toBeLessThanOrEqual(limit);
      marks.add(scanned.frames);
    }
    // None, the one that made the table, and one for each row.
    expect(marks.size).toBe(32);
    sample.database.close();
  });

  it("knows a log by its header", async () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 1);
    expect(walHeader(sample.log)?.header).toBe((await scan(sample.log)).header);
    writeFileSync(folder.join("other"), Buffer.alloc(500, 7));
    expect(await scanWal(folder.join("other"), Infinity, undefined)).toBeUndefined();
    expect(await scanWal(sample.path, Infinity, undefined)).toBeUndefined();
    writeFileSync(folder.join("empty"), "");
    expect(walHeader(folder.join("empty"))).toBeUndefined();
    sample.database.close();
  });

  it("ends when its signal is given", async () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 1);
    await expect(scanWal(sample.log, Infinity, AbortSignal.abort())).rejects.toMatchObject({ code: "INTERRUPTED" });
    sample.database.close();
  });
});
