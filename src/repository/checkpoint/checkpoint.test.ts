import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, vi } from "vitest";
import { RepositoryStage } from "../../../test/support/repository-stage.ts";
import { CaptureError } from "../../kernel/index.ts";
import { WrittenPacks } from "../store/written-packs.ts";

const MEGABYTE = 1_000_000;

/** A stage whose first backup is given up at the first step after something of it was noted. */
function halfwayStage(bytes: number): { readonly stage: RepositoryStage; readonly halfway: AbortController } {
  const halfway = new AbortController();
  const checkpoints = {
    time: 3_600_000,
    // Asked at every step.
    get bytes(): number {
      if (existsSync(stage.join("vault", "partial", "checkpoint.backup"))) halfway.abort(new Error("given up"));
      return bytes;
    },
  };
  const stage = new RepositoryStage({ checkpoints });
  return { stage, halfway };
}

describe("a first backup that was not finished", () => {
  it("is gone on from: what it had stored of a tree is named again, and never listed", async () => {
    const { stage, halfway } = halfwayStage(8 * MEGABYTE);
    await using _ = stage;
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 400; number += 1) writeFileSync(stage.join("notes", `${1000 + number}.md`), randomBytes(100_000));
    await stage.giveUp("notes", halfway.signal);
    const left = stage.packBytes();
    expect(left).toBeGreaterThan(8 * MEGABYTE);
    await using vault = await stage.open();
    expect(await vault.list()).toMatchObject({ backups: [], damaged: [], foreign: [] });

    // Nobody goes on yet: a sweep leaves what is to be gone on from.
    await vault.sweepTrash();
    expect(stage.packBytes()).toBeGreaterThan(7 * MEGABYTE);
    const { id, manifest } = await stage.take("notes");
    expect(manifest.stored_bytes).toBeLessThan(34 * MEGABYTE);
    const contents = await stage.contents(id);
    expect(contents.size).toBe(400);
    for (const number of [1000, 1050, 1399])
      expect(contents.get(`notes/${number}.md`)?.equals(readFileSync(stage.join("notes", `${number}.md`)))).toBe(true);

    const again = await stage.take("notes");
    // Of many small packs some become one.
    expect(again.manifest.stored_bytes).toBeLessThan(4 * MEGABYTE);
    expect(existsSync(stage.join("vault", "partial"))).toBe(false);
  });

  it("is gone on from in the middle of a database", async () => {
    const { stage, halfway } = halfwayStage(16 * MEGABYTE);
    await using _ = stage;
    using database = new DatabaseSync(stage.join("state.db"));
    database.exec("PRAGMA journal_mode=DELETE; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB); BEGIN");
    const insert = database.prepare("INSERT INTO t (x) VALUES (?)");
    for (let row = 0; row < 1400; row += 1) insert.run(randomBytes(100_000));
    database.exec("COMMIT");
    await stage.giveUp("state.db", halfway.signal);
    const { id, manifest } = await stage.take("state.db");
    expect(manifest.size_bytes).toBeGreaterThan(140 * MEGABYTE);
    expect(manifest.stored_bytes).toBeLessThan(manifest.size_bytes - 14 * MEGABYTE);
    // A copy counts as a change in SQLite's header, and all behind it is the file, byte by byte.
    const copy = (await stage.contents(id)).get("state.db/state.db");
    expect(copy?.subarray(100).equals(readFileSync(stage.join("state.db")).subarray(100))).toBe(true);
  });

  it("is noted anew although a component that goes on from it fails while the note is on its way to the disk", async () => {
    const { stage, halfway } = halfwayStage(4 * MEGABYTE);
    await using _ = stage;
    for (const name of ["old", "notes"]) {
      mkdirSync(stage.join(name));
      for (let number = 0; number < 200; number += 1) writeFileSync(stage.join(name, `${1000 + number}.md`), randomBytes(100_000));
    }
    await stage.giveUp("old", halfway.signal);
    await using vault = await stage.open();
    await using draft = await stage.begin(vault);
    const [waits, fails] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const old = stage.store(draft, "old", {
      confirm: async () => {
        waits.resolve();
        await fails.promise;
        throw new CaptureError("COMPONENT_MOVED", "It moved");
      },
    });
    await waits.promise;
    // Asked right before the disk is waited for.
    const places = vi.spyOn(WrittenPacks.prototype, "placesToSync").mockImplementation(function placesToSync(this: WrittenPacks) {
      places.mockRestore();
      fails.resolve();
      return this.placesToSync();
    });
    const [moved] = await Promise.all([old.catch((error: unknown) => error), stage.store(draft, "notes")]);
    expect(moved).toMatchObject({ code: "COMPONENT_MOVED" });
    expect(vi.isMockFunction(WrittenPacks.prototype.placesToSync)).toBe(false);
  });

  it("is no hindrance when what it had stored is damaged: everything is stored", async () => {
    const { stage, halfway } = halfwayStage(4 * MEGABYTE);
    await using _ = stage;
    mkdirSync(stage.join("notes"));
    for (let number = 0; number < 200; number += 1) writeFileSync(stage.join("notes", `${1000 + number}.md`), randomBytes(100_000));
    await stage.giveUp("notes", halfway.signal);
    for (const pack of stage.packs()) writeFileSync(pack, randomBytes(readFileSync(pack).length));
    const { id } = await stage.take("notes");
    expect((await stage.contents(id)).get("notes/1000.md")?.equals(readFileSync(stage.join("notes", "1000.md")))).toBe(true);
  });
});
