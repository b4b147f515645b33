import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { VerifyReport } from "../../src/operations/index.ts";
import { daemonStage } from "../support/daemon-stage.ts";
import { endpoint } from "../support/endpoint.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument, type Instance } from "../support/instance.ts";
import { packsIn, placeOf, STORED_FORMS } from "../support/stored-forms.ts";
import { flipBit } from "../support/flip-bit.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { ToldClock, untilTrue } from "../support/told-clock.ts";

type Verified = VerifyReport & { readonly sample: NonNullable<VerifyReport["sample"]> };

interface Listed {
  readonly backups: readonly { readonly id: string; readonly verified: { readonly at: string; readonly ok: boolean } | null }[];
}

async function take(instance: Instance, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 0; number < count; number += 1) {
    writeFileSync(join(instance.folder, "notes", `${number}.bin`), randomBytes(200_000));
    ids.push(documentOf<BackupDocument>(await instance.run("backup", "--json"), 0).id);
  }
  return ids;
}

describe.each(STORED_FORMS)("holdfast verify --sample, %s", (_name, form) => {
  const staged = (folder: string): Instance => {
    mkdirSync(join(folder, "notes"), { recursive: true });
    return makeInstance(folder, "  notes: { path: notes }", { form });
  };
  const sampled = async (instance: Instance, part: string, exitCode: 0 | 4): Promise<Verified> =>
    documentOf<Verified>(await instance.run("verify", "--sample", part, "--json"), exitCode);
  const listed = async (instance: Instance): Promise<Listed["backups"]> =>
    documentOf<Listed>(await instance.run("backup", "list", "--json"), 0).backups;

  it("reads all of the vault in as many runs as it takes, and finds the byte that was flipped", async () => {
    using folder = temporaryFolder();
    const instance = staged(folder.path);
    const ids = await take(instance, 3);
    const runs: Verified[] = [];
    do runs.push(await sampled(instance, "30%", 0));
    while (runs.at(-1)?.sample.unread !== 0 && runs.length < 10);
    expect(runs.length).toBeGreaterThan(1);
    expect(runs.at(-1)?.sample).toMatchObject({ of: form === "repository" ? "packs" : "backups", verified: 3, backups: 3 });
    expect((await listed(instance)).map(({ verified }) => verified?.ok)).toEqual([true, true, true]);

    // In repository form a pack that all three name; else the oldest backup.
    const [oldest = ""] = ids;
    const [pack = ""] = packsOf(instance, form);
    const damaged = form === "directory" ? join(placeOf(form, instance.vault, oldest), "notes", "0.bin") : pack;
    const mend = flipBit(form === "tar.gz" ? placeOf(form, instance.vault, oldest) : damaged);
    let found = await sampled(instance, "30%", 0).catch(() => null);
    for (let run = 0; run < 10 && found !== null; run += 1) found = await sampled(instance, "30%", 0).catch(() => null);
    expect(found).toBeNull();
    const bad = (await listed(instance)).filter(({ verified }) => verified?.ok === false).map(({ id }) => id);
    expect(new Set(bad)).toEqual(new Set(form === "repository" ? ids : [oldest]));
    const said = await instance.run("verify", "--sample", "100%");
    expect(said.exitCode).toBe(4);
    for (const id of bad) expect(said.stdout).toContain(`DAMAGED ${id}: `);
    mend();
    expect((await instance.run("verify", "--all")).exitCode).toBe(0);
    expect((await listed(instance)).map(({ verified }) => verified?.ok)).toEqual([true, true, true]);
  });

  it("says what it covered, and how old the oldest verdict is", async () => {
    using folder = temporaryFolder();
    const instance = staged(folder.path);
    const clock = new ToldClock(folder.join("clock"), Date.parse("2026-03-15T12:00:00Z"));
    const run = async (...args: string[]): ReturnType<Instance["runWith"]> => await instance.runWith({ env: clock.env }, ...args);
    expect((await run("verify", "--sample", "10%")).exitCode).not.toBe(0);
    expect((await run("backup")).exitCode).toBe(0);
    clock.set(Date.parse("2026-03-16T12:00:00Z"));
    expect((await run("verify", "--sample", "10%")).exitCode).toBe(0);
    writeFileSync(join(instance.folder, "notes", "new"), randomBytes(200_000));
    clock.set(Date.parse("2026-03-18T12:00:00Z"));
    expect((await run("backup")).exitCode).toBe(0);
    const { stdout } = await run("verify", "--sample", "10%");
    const units = form === "repository" ? "packs" : "backups";
    expect(stdout).toMatch(new RegExp(`^Read back 1 of 2 ${units}, [0-9.]+ k?B of [0-9.]+ k?B$`, "m"));
    expect(stdout).toMatch(new RegExp(`^All ${units} have been read back; the oldest verdict is of 2026-03-16T12:00:00Z, 2d 0h ago$`, "m"));
    expect(stdout).toMatch(/^2 of 2 backups were read back whole within 30d 0h, and matched$/m);
  });
});

function packsOf(instance: Instance, form: string): readonly string[] {
  if (form !== "repository") return [];
  return packsIn(instance.vault)
    .map(({ path }) => path)
    .toSorted((one, other) => lstatSync(one).mtimeMs - lstatSync(other).mtimeMs);
}

describe("holdfast verify --sample", () => {
  it("refuses nonsense, and does nothing", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("notes"));
    const instance = makeInstance(folder.path, "  notes: { path: notes }");
    for (const part of ["0%", "101%", "ten", "10", "-1%", "1e1%", ""])
      expect(failureOf(await instance.run("verify", "--sample", part, "--json"), 2)).toMatchObject({
        message: `Cannot read back a sample of "${part}"`,
        hint: expect.stringContaining("--sample 10%"),
      });
    expect(failureOf(await instance.run("verify", "--sample", "10%", "--json"), 2)).toMatchObject({ code: "BACKUP_NOT_FOUND" });
  });

  it("is told on standard error when what was read back before is not known, and goes on", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("notes"));
    const instance = makeInstance(folder.path, "  notes: { path: notes }", { form: "repository" });
    await take(instance, 1);
    expect((await instance.run("verify")).exitCode).toBe(0);
    writeFileSync(join(instance.vault, ".vault", "packs.json"), "not JSON");
    const { exitCode, stderr, stdout } = await instance.run("verify", "--sample", "10%");
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("Which packs were read back before is not known")]);
    expect(stdout).toContain("Read back 1 of");
    expect((await instance.run("verify", "--sample", "10%")).stderr).toBe("");
  });
});

describe("holdfast verify --sample that is killed", () => {
  it("while it writes down which packs it read leaves what was written before", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("notes"));
    const instance = makeInstance(folder.path, "  notes: { path: notes }", { form: "repository" });
    // While the clock stands still no mark becomes younger, and the verdicts of packs are all that is written.
    const { env } = new ToldClock(folder.join("clock"), Date.parse("2026-03-15T12:00:00Z"));
    writeFileSync(folder.join("notes", "a"), "1");
    expect((await instance.runWith({ env }, "backup")).exitCode).toBe(0);
    expect((await instance.runWith({ env }, "verify")).exitCode).toBe(0);
    const kept = (): string => readFileSync(join(instance.vault, ".vault", "packs.json"), "utf8");
    const before = kept();
    const killed = { env: { ...env, HOLDFAST_CRASHPOINT: "mark-before-publish" } };
    expect(await instance.runWith(killed, "verify", "--sample", "100%")).toMatchObject({ signal: "SIGKILL" });
    expect(kept()).toBe(before);
    expect(await instance.runWith({ env }, "verify", "--sample", "100%")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(kept()).toBe(before);
  });
});

describe("holdfast daemon with `verify.every`", () => {
  it("reads a part of the vault back on schedule, behind whoever holds the lease, and tells of damage", async () => {
    await using server = await endpoint();
    await using stage = daemonStage({
      backup: "enabled: false",
      more: `verify: { every: 1d, sample: 50% }\nnotify: [{ url: "${server.url}", on: [damage] }]\n`,
    });
    const clock = new ToldClock(stage.join("clock"), Date.parse("2026-03-15T12:00:00Z"));
    const run = async (...args: string[]): ReturnType<Instance["runWith"]> => await stage.runWith({ env: clock.env }, ...args);
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const hold = await stage.hold();
    const daemon = await stage.daemon({ env: clock.env });
    const seen = (): boolean => {
      using ledger = stage.ledger();
      return ledger.tasks().some(({ name }) => name === "verify");
    };
    await untilTrue(seen, "the daemon has seen its task");
    clock.set(clock.now + 60_000);
    await daemon.saw(/Deferring vault verification; heavy-maintenance lease held by hog/);
    await hold.release();
    await daemon.saw(/Completed vault verification\./);
    const marks = async (): Promise<Listed["backups"]> => documentOf<Listed>(await run("backup", "list", "--json"), 0).backups;
    expect(await marks()).toMatchObject([{ id, verified: { ok: true, at: new Date(clock.now).toISOString() } }]);

    flipBit(join(stage.vault, id, "state", "state.json"));
    clock.set(clock.now + 25 * 3_600_000);
    await daemon.saw(/Completed vault verification: .*is damaged/);
    await server.until(1);
    expect(server.asked[0]?.body).toContain(id);
    expect((await marks())[0]?.verified?.ok).toBe(false);
    const ended = (): readonly string[] => {
      using ledger = stage.ledger();
      return ledger.history("verify", 10).map(({ outcome, reasonCode }) => `${outcome} ${reasonCode}`);
    };
    await untilTrue(() => ended().length === 2 && ended().every((one) => one.startsWith("completed")), "both runs are in the ledger");
    expect(ended()).toEqual(["completed damage-found", "completed null"]);
    expect(await daemon.end("SIGTERM")).toMatchObject({ exitCode: 0 });
  });
});
