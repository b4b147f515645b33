import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../test/support/repository-stage.ts";

describe("a log in repository form, backup after backup", () => {
  it("stores what a log is, whatever became of its front while it grew, shrank or stayed as long", async () => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    const log = stage.join("notes", "run.log");
    const first = randomBytes(3_000_000);
    const changedAt = (at: number, more: number): Buffer => {
      const changed = Buffer.concat([first, randomBytes(more)]);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      return changed;
    };
    const states: readonly (readonly [Buffer, number])[] = [
      [Buffer.concat([first, randomBytes(100_000)]), 1_150_000],
      [Buffer.concat([first, randomBytes(5_000_000)]), 6_200_000],
      [changedAt(0, 100_000), 2_300_000],
      [changedAt(1_500_000, 100_000), 2_300_000],
      [changedAt(2_999_999, 100_000), 1_250_000],
      [changedAt(1_500_000, 0), 1_150_000],
      [first.subarray(0, 1_200_000), 1_150_000],
      [randomBytes(3_000_000), 3_100_000],
    ];
    for (const [state, most] of states) {
      writeFileSync(log, first);
      await stage.take("notes");
      writeFileSync(log, state);
      const { id, manifest } = await stage.take("notes");
      expect((await stage.contents(id)).get("notes/run.log")?.equals(state)).toBe(true);
      expect(manifest.stored_bytes).toBeLessThan(most);
    }
  });

  it.each([
    ["zeros", Buffer.alloc(4 * 1024 * 1024)],
    ["lines that repeat", Buffer.alloc(4 * 1024 * 1024, "heartbeat 15:00\n")],
    ["text", Buffer.from(randomBytes(6_000_000).toString("base64"))],
  ])("stores what a log of %s is when it grows by other bytes, by a part of itself and by more of the same", async (_, first) => {
    await using stage = new RepositoryStage();
    mkdirSync(stage.join("notes"));
    const log = stage.join("notes", "run.log");
    const steps = [
      first,
      randomBytes(3 * 1024 * 1024),
      first.subarray(2_000_000),
      Buffer.concat([randomBytes(10), first.subarray(0, 3_000_000), randomBytes(2_000_000)]),
      first,
    ];
    for (const step of steps) {
      appendFileSync(log, step);
      const { id } = await stage.take("notes");
      expect((await stage.contents(id)).get("notes/run.log")?.equals(readFileSync(log))).toBe(true);
    }
  });
});
