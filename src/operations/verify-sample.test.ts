import { randomBytes } from "node:crypto";
import { flipBit } from "../../test/support/flip-bit.ts";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { backupHead } from "../../test/support/backup-head.ts";
import { fakeReader } from "../../test/support/fake-reader.ts";
import { FAKE_NOW, fakeInstance, fakeVault, type FakeVault } from "../../test/support/fake-vault.ts";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import type { BackupHead, VerifiedMark } from "../vault/index.ts";
import { status } from "./status.ts";
import { verify, type VerifyOptions, type VerifyReport } from "./verify.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Verified {
  readonly report: VerifyReport;
  readonly remarks: readonly string[];
  readonly now: number;
}

/** Verifies a stage's vault as the command does, at the time of the stage. */
async function verified(stage: RepositoryStage, options: VerifyOptions): Promise<Verified> {
  await using vault = await stage.open();
  const remarks: string[] = [];
  const made = fakeInstance(vault, { stateDir: stage.join("state") });
  const report = await verify({ ...made, clock: vault.clock, remark: (text) => void remarks.push(text) }, options);
  return { report, remarks, now: vault.clock.now() };
}

async function listed(stage: RepositoryStage): Promise<readonly BackupHead[]> {
  await using vault = await stage.open();
  return (await vault.list()).backups;
}

/** Oldest first; each adds a file that lies in a pack of its own. */
async function backups(stage: RepositoryStage, count: number): Promise<readonly BackupHead[]> {
  mkdirSync(stage.join("notes"));
  const taken: BackupHead[] = [];
  for (let number = 0; number < count; number += 1) {
    writeFileSync(stage.join("notes", `${number}`), randomBytes(300_000));
    taken.push(await stage.take("notes"));
  }
  return taken;
}

function seconds(time: number): string {
  return new Date(Math.floor(time / 1000) * 1000).toISOString();
}

describe("verify({ sample }) of a repository", () => {
  it("reads all packs in as many runs as it takes, and verifies each backup as of its oldest pack", async () => {
    await using stage = new RepositoryStage();
    const taken = await backups(stage, 4);
    const total = stage.packs().length;
    const first = await verified(stage, { sample: 0.4 });
    expect(first.report).toMatchObject({
      results: [],
      vault: [],
      sample: { of: "packs", total, totalBytes: stage.packBytes(), backups: 4 },
    });
    const { read = 0, bytes = 0, unread } = first.report.sample ?? {};
    expect(bytes).toBeGreaterThanOrEqual(0.4 * stage.packBytes());
    expect(bytes).toBeLessThan(stage.packBytes());
    expect(unread).toBe(total - read);
    stage.pass(24);
    const second = await verified(stage, { sample: 0.4 });
    stage.pass(24);
    const third = await verified(stage, { sample: 0.4 });
    expect(third.report).toMatchObject({ results: [], sample: { unread: 0, verified: 4 } });
    expect([seconds(first.now), seconds(second.now)]).toContain(third.report.sample?.oldest);
    // Every file lies in all later backups: the newest names every pack, and the oldest the fewest.
    const [newest] = await listed(stage);
    expect(newest?.id).toBe(taken.at(-1)?.id);
    expect(newest?.marks.verified).toMatchObject({ ok: true, at: third.report.sample?.oldest, entries: 5, bytes: 1_200_000 });
    for (const { marks } of await listed(stage)) expect(marks.verified?.ok).toBe(true);
  });

  it("calls every backup damaged that names a damaged pack, in every run, until the pack is brought back", async () => {
    await using stage = new RepositoryStage();
    const [, ...others] = await backups(stage, 3);
    const [pack = ""] = stage.packs().toSorted((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
    await verified(stage, { sample: 1 });
    // Of the newest backup alone.
    const mend = flipBit(pack);
    let runs = 0;
    let found: VerifyReport;
    do {
      stage.pass(24);
      ({ report: found } = await verified(stage, { sample: 0.1 }));
      runs += 1;
    } while (found.results.length === 0 && runs < 20);
    const problem = expect.stringMatching(new RegExp(`^Pack "${basename(pack)}" .* is damaged$`));
    const newest = others.at(-1)?.id ?? "";
    expect(found.results).toEqual([{ id: newest, ok: false, entries: 0, bytes: 0, problem }]);
    expect((await listed(stage)).map(({ marks }) => marks.verified?.ok)).toEqual([false, true, true]);
    stage.pass(24);
    expect((await verified(stage, { sample: 0.1 })).report.results).toEqual(found.results);
    mend();
    stage.pass(24);
    // Another backup is asked for: the mark stays as it is.
    await verified(stage, { references: [others[0]?.id ?? ""] });
    expect((await listed(stage))[0]?.marks.verified).toMatchObject({ ok: false, problem });
    expect((await verified(stage, { sample: 0.1 })).report.results).toEqual([]);
    expect((await listed(stage)).map(({ marks }) => marks.verified?.ok)).toEqual([true, true, true]);
  });

  it("finds a damaged pack of all backups in a run of all, and names them all", async () => {
    await using stage = new RepositoryStage();
    const taken = await backups(stage, 3);
    const [oldest = ""] = stage.packs().toSorted((one, other) => statSync(one).mtimeMs - statSync(other).mtimeMs);
    flipBit(oldest);
    const { report } = await verified(stage, { sample: 1 });
    expect(new Set(report.results.map(({ id, ok }) => `${id} ${ok}`))).toEqual(new Set(taken.map(({ id }) => `${id} false`)));
  });

  it("gives no verdict by a pack that was read back too long ago, and takes none away", async () => {
    await using stage = new RepositoryStage();
    await backups(stage, 1);
    const { now } = await verified(stage, { sample: 1 });
    stage.pass(31 * 24);
    await backupAgain(stage);
    const { report } = await verified(stage, { sample: 0.001 });
    expect(report.sample).toMatchObject({ verified: 0, backups: 2, oldest: seconds(now) });
    const [newest, oldest] = await listed(stage);
    expect([newest?.marks.verified, oldest?.marks.verified]).toEqual([undefined, expect.objectContaining({ ok: true, at: seconds(now) })]);
  });

  it("counts a verdict from ahead of the clock for none", async () => {
    await using stage = new RepositoryStage();
    await backups(stage, 2);
    stage.pass(1000);
    await verified(stage, { sample: 1 });
    stage.pass(-900);
    const { report } = await verified(stage, { sample: 0.001 });
    expect(report.sample).toMatchObject({ read: 1, unread: stage.packs().length - 1 });
  });

  it("says that the verdicts are lost when their document is damaged, reads everything as if for the first time, and loses no mark", async () => {
    await using stage = new RepositoryStage();
    await backups(stage, 2);
    await verified(stage, { sample: 1 });
    writeFileSync(stage.join("vault", ".vault", "packs.json"), "{");
    const { report, remarks } = await verified(stage, { sample: 0.001 });
    expect(remarks).toEqual([expect.stringContaining("Which packs were read back before is not known")]);
    expect(report).toMatchObject({ results: [], vault: [], sample: { read: 1, unread: stage.packs().length - 1 } });
    expect((await listed(stage)).map(({ marks }) => marks.verified?.ok)).toEqual([true, true]);
    expect((await verified(stage, { sample: 0.001 })).remarks).toEqual([]);
  });

  it("says that a vault without a backup has nothing to read back", async () => {
    await using stage = new RepositoryStage();
    const { report } = await verified(stage, { sample: 0.1 });
    expect(report).toMatchObject({ results: [], vault: [], sample: { read: 0, total: 0, oldest: null } });
  });
});

describe("verify({ references }) of a repository", () => {
  it("also calls the other backups damaged that have the same pack, after the one that was asked for", async () => {
    await using stage = new RepositoryStage();
    const taken = await backups(stage, 3);
    const [oldest = ""] = stage.packs().toSorted((one, other) => statSync(one).mtimeMs - statSync(other).mtimeMs);
    flipBit(oldest);
    const asked = taken[1]?.id ?? "";
    const { report } = await verified(stage, { references: [asked] });
    expect(report.results.map(({ id, ok }) => [id, ok])).toEqual([asked, taken[2]?.id, taken[0]?.id].map((id) => [id, false]));
    expect((await listed(stage)).map(({ marks }) => marks.verified?.ok)).toEqual([false, false, false]);
  });

  it("leaves verdicts of the packs that it read, which a sample begins with no more", async () => {
    await using stage = new RepositoryStage();
    const taken = await backups(stage, 3);
    await verified(stage, { references: [taken[0]?.id ?? ""] });
    const kept = readFileSync(stage.join("vault", ".vault", "packs.json"), "utf8");
    const { report } = await verified(stage, { sample: 0.001 });
    expect(report.sample).toMatchObject({ read: 1, unread: stage.packs().length - 1 - (kept.match(/[0-9a-f]{64}/g) ?? []).length });
  });
});

async function backupAgain(stage: RepositoryStage): Promise<void> {
  writeFileSync(stage.join("notes", "more"), randomBytes(300_000));
  await stage.take("notes");
}

describe("verify({ sample }) of an archive", () => {
  function mark(ago: number, ok = true): VerifiedMark {
    const at = new Date(FAKE_NOW - ago).toISOString();
    return { at, holdfast_version: "0.1.0", manifest_sha256: "0".repeat(64), entries: 1, bytes: 1, ok };
  }

  /** Five backups, newest first, of one byte each. The third of them is damaged. */
  function archive(ages: readonly (number | null)[]): FakeVault {
    const heads = ages.map((age, index) =>
      backupHead({ minute: 9 - index, components: { memory: {} }, marks: age === null ? {} : { verified: mark(age) } }),
    );
    const reader = (index: number): ReturnType<typeof fakeReader> =>
      fakeReader({ memory: {} }, [["memory"], ["memory/a", { content: "12345", damaged: index === 2 }]]);
    return fakeVault({ backups: heads }, Object.fromEntries(heads.map(({ id }, index) => [id, reader(index)])));
  }

  const ids = Array.from({ length: 5 }, (_, index) => backupHead({ minute: 9 - index }).id);

  it("reads whole backups, never read ones first, then those read longest ago, and one at least", async () => {
    const vault = archive([DAY, null, 3 * DAY, 40 * DAY, 2 * DAY]);
    const instance = fakeInstance(vault, { stateDir: "/nowhere" });
    const one = await verify(instance, { sample: 0.001 });
    expect(one.results.map(({ id, ok }) => [id, ok])).toEqual([[ids[1], true]]);
    expect(one.sample).toEqual({
      of: "backups",
      read: 1,
      bytes: 1,
      total: 5,
      totalBytes: 5,
      unread: 0,
      oldest: new Date(FAKE_NOW - 40 * DAY).toISOString(),
      verified: 4,
      backups: 5,
    });
    const three = await verify(instance, { sample: 0.6 });
    expect(three.results.map(({ id, ok }) => [id, ok])).toEqual([
      [ids[1], true],
      [ids[3], true],
      [ids[2], false],
    ]);
    expect(three.sample).toMatchObject({ read: 3, verified: 4, oldest: new Date(FAKE_NOW - 2 * DAY).toISOString() });
    expect(vault.changes.map(([what, id, kind]) => [what, id, kind])).toEqual(
      [ids[1], ids[1], ids[3], ids[2]].map((id) => ["mark", id, "verified"]),
    );
  });

  it("names what is known to be damaged also when it is not read again", async () => {
    const bad = { ...mark(DAY, false), problem: '"a" does not read back' };
    const heads = [{}, { verified: bad }].map((marks, index) => backupHead({ minute: 9 - index, components: { memory: {} }, marks }));
    const reader = fakeReader({ memory: {} }, [["memory"], ["memory/a", { content: "12345" }]]);
    const vault = fakeVault({ backups: heads }, { [ids[0] ?? ""]: reader });
    const { results, sample } = await verify(fakeInstance(vault, { stateDir: "/nowhere" }), { sample: 0.1 });
    expect(results).toMatchObject([
      { id: ids[0], ok: true },
      { id: ids[1], ok: false, problem: bad.problem },
    ]);
    expect(sample).toMatchObject({ read: 1, verified: 1 });
  });

  it("is told by status() when a backup was not read back within verify.max_age, and only while there is a schedule", async () => {
    const vault = archive([DAY, DAY, null, 40 * DAY, 2 * DAY]);
    const every = { every: DAY, sample: 0.1, sampleText: "10%", maxAge: 30 * DAY };
    const problems = async (verification: typeof every | { every: null }, at: number): Promise<readonly string[]> => {
      const made = fakeInstance(vault, { stateDir: "/nowhere", verify: { ...every, ...verification } });
      return (await status({ ...made, clock: { now: () => at } })).problems;
    };
    expect(await problems(every, FAKE_NOW)).toEqual(["1 backup was not read back whole within 30d 0h: the longest ago is 40d 0h"]);
    expect(await problems(every, FAKE_NOW + 30 * DAY)).toEqual([
      expect.stringMatching(/^5 of 5 backups were not read back whole within 30d 0h: the longest ago is 70d 0h$/),
    ]);
    expect(await problems({ every: null }, FAKE_NOW + 30 * DAY)).toEqual([]);
  });
});
