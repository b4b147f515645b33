import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { commitRow, sampleWal } from "../../../test/support/sample-wal.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { scanWal } from "./scan-wal.ts";
import { readWalIndex, type WalIndex } from "./wal-index.ts";

/** Of a copy, so that no descriptor of the index itself is closed here. */
function indexIn(bytes: Uint8Array, scratch: string): WalIndex | undefined {
  writeFileSync(scratch, bytes);
  const descriptor = openSync(scratch, "r");
  try {
    return readWalIndex(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

describe("readWalIndex()", () => {
  for (const pageSize of [512, 65_536]) {
    it(`says of a log with pages of ${pageSize} bytes what scanWal() finds in it`, async () => {
      using folder = temporaryFolder();
      const sample = sampleWal(folder.join("a.db"), 7, pageSize);
      const read = (): WalIndex | undefined => indexIn(readFileSync(`${sample.path}-shm`), folder.join("shm"));
      const first = read();
      const { frames, pages, checksum, salts } = (await scanWal(sample.log, Infinity, undefined)) ?? {};
      expect(first).toMatchObject({ frames, pages, checksum, salts, pageSize, backfilled: 0 });
      sample.database.exec("PRAGMA wal_checkpoint(PASSIVE)");
      expect(read()).toMatchObject({ header: first?.header, frames, backfilled: frames, attempted: frames });
      commitRow(sample.database, 8);
      expect(read()?.header).not.toBe(first?.header);
      expect(read()?.salts).not.toBe(salts);
      sample.database.close();
    });
  }

  it("says nothing while a writer is changing it, and of what is none", () => {
    using folder = temporaryFolder();
    const sample = sampleWal(folder.join("a.db"), 3);
    const bytes = readFileSync(`${sample.path}-shm`);
    expect(indexIn(bytes, folder.join("shm"))).toBeDefined();
    // Any byte of either copy of the header.
    for (let at = 0; at < 96; at += 1) {
      const harmed = Buffer.from(bytes);
      harmed[at] = (harmed[at] ?? 0) ^ 1;
      expect(indexIn(harmed, folder.join("shm")), `byte ${at}`).toBeUndefined();
      harmed[(at + 48) % 96] = harmed[at] ?? 0;
      expect(indexIn(harmed, folder.join("shm")), `byte ${at} of both`).toBeUndefined();
    }
    expect(indexIn(Buffer.alloc(32_768), folder.join("shm"))).toBeUndefined();
    expect(indexIn(bytes.subarray(0, 100), folder.join("shm"))).toBeUndefined();
    sample.database.close();
  });
});
