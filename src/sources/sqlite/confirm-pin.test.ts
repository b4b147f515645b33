import { copyFileSync, renameSync, statSync, truncateSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { liveDatabase, writeOver, type LiveDatabase } from "../../../test/support/live-database.ts";
import { pinnedContent } from "../../../test/support/pinned-content.ts";

const LOST = { code: "COMPONENT_MOVED", details: { pin: "lost" } };

describe("confirm() of a pinned database", () => {
  it("refuses once the process that holds the snapshot is gone, or has let go of it", async () => {
    await using db = await liveDatabase();
    const controller = new AbortController();
    const killed = await db.open({ signal: controller.signal });
    await pinnedContent(killed);
    controller.abort();
    await expect(killed.confirm()).rejects.toMatchObject({ code: "INTERRUPTED" });
    await killed.close();
    const ended = await db.open();
    await pinnedContent(ended);
    await ended.query?.("COMMIT");
    await expect(ended.confirm()).rejects.toMatchObject({ ...LOST, message: expect.stringContaining("The transaction has ended") });
    await ended.close();
  });

  it.each([
    ["its log was begun anew", ({ path }: LiveDatabase) => writeOver(`${path}-wal`, 12, "other salts, so")],
    ["its log was cut short", ({ path }: LiveDatabase) => truncateSync(`${path}-wal`, statSync(`${path}-wal`).size - 4096)],
    [
      "its log was replaced",
      ({ path }: LiveDatabase) => {
        copyFileSync(`${path}-wal`, `${path}-other`);
        renameSync(`${path}-other`, `${path}-wal`);
      },
    ],
    [
      "it was replaced",
      ({ path }: LiveDatabase) => {
        copyFileSync(path, `${path}-other`);
        renameSync(`${path}-other`, path);
      },
    ],
    ["the file was cut short", ({ path }: LiveDatabase) => truncateSync(path, 4096)],
  ])("refuses when %s", async (trouble, harm) => {
    await using db = await liveDatabase();
    const reading = await db.open();
    await pinnedContent(reading);
    harm(db);
    await expect(reading.confirm()).rejects.toMatchObject({ ...LOST, message: expect.stringContaining(trouble) });
    await reading.close();
  });

  it("refuses when the file was written to although its snapshot was all that it holds", async () => {
    await using db = await liveDatabase();
    await db.program.run("PRAGMA wal_checkpoint(FULL)");
    const reading = await db.open();
    await pinnedContent(reading);
    writeOver(db.path, statSync(db.path).size - 8, "harmed");
    await expect(reading.confirm()).rejects.toMatchObject({ ...LOST, message: expect.stringContaining("beyond its snapshot") });
    await reading.close();
  });
});
