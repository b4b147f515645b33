import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { flipBit } from "../support/flip-bit.ts";
import { documentOf, makeInstance, type BackupDocument, type Instance, type StatusDocument } from "../support/instance.ts";
import { packsIn } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly seen: string;
  readonly todo: string | null;
}

function staged(folder: string, form: "repository" | "tar.gz"): Instance {
  mkdirSync(join(folder, "notes"));
  return makeInstance(folder, "  notes: { path: notes, importance: critical }", { form });
}

/** Each with something new, which is no part of the ones before. */
async function take(instance: Instance): Promise<string> {
  writeFileSync(join(instance.folder, "notes", "new"), randomBytes(100_000));
  return documentOf<BackupDocument>(await instance.run("backup", "--json"), 0).id;
}

async function contents(instance: Instance, exitCode: 0 | 1): Promise<readonly Finding[]> {
  const { findings } = documentOf<{ findings: readonly Finding[] }>(await instance.run("doctor", "--json"), exitCode);
  return findings.filter(({ check }) => check === "vault-contents");
}

const statusOf = async (instance: Instance, exitCode: 0 | 4): Promise<StatusDocument> =>
  documentOf<StatusDocument>(await instance.run("status", "--json"), exitCode);

const SOUND = [{ verdict: "ok", seen: "Nothing damaged, missing, unfinished or foreign" }];

describe("doctor and status, of backups that are recorded as damaged", () => {
  it("in repository form: they are counted after a whole one as well, until their packs are back and were read", async () => {
    using folder = temporaryFolder();
    const instance = staged(folder.path, "repository");
    writeFileSync(folder.join("notes", "same"), randomBytes(400_000));
    const ids = [await take(instance), await take(instance)];
    const mend = flipBit(packsIn(instance.vault)[0]?.path ?? "");
    expect((await instance.run("verify", "--sample", "100%")).exitCode).toBe(4);
    expect(await contents(instance, 1)).toMatchObject([{ verdict: "warning", seen: expect.stringMatching(/^2 of 2 backups are/) }]);
    await take(instance);

    const line = `2 of 3 backups are recorded as damaged, the newest of them ${ids[1]}`;
    const found = await contents(instance, 0);
    expect(found).toMatchObject([{ verdict: "warning", seen: line }]);
    for (const command of ["holdfast backup. ", "holdfast verify --sample 100%", "holdfast backup delete"])
      expect(found[0]?.todo).toContain(command);
    const said = await instance.run("status");
    expect([said.exitCode, said.stdout]).toEqual([0, expect.stringContaining(`vault ${line}; see: holdfast backup list`)]);
    expect(said.stdout).toContain("Safe: every critical component has a good newest backup");

    mend();
    expect((await instance.run("verify", "--sample", "100%")).exitCode).toBe(0);
    expect(await contents(instance, 0)).toMatchObject(SOUND);
    expect(await statusOf(instance, 0)).toMatchObject({ problems: [] });
  });

  it("in archive form: the same, and no word of packs", async () => {
    using folder = temporaryFolder();
    const instance = staged(folder.path, "tar.gz");
    const id = await take(instance);
    const mend = flipBit(join(instance.vault, `${id}.tar.gz`));
    expect(await instance.run("verify", id)).toMatchObject({ exitCode: 4, stderr: "What can be done about it: holdfast doctor\n" });
    await take(instance);
    const found = await contents(instance, 0);
    expect(found).toMatchObject([{ verdict: "warning", seen: `1 of 2 backups is recorded as damaged: ${id}` }]);
    expect(found[0]?.todo).toMatch(/^Take a backup.*: holdfast backup\. /);
    expect(found[0]?.todo).not.toContain("pack");
    expect((await statusOf(instance, 0)).problems).toEqual([expect.stringContaining(`recorded as damaged: ${id}`)]);
    mend();
    expect((await instance.run("verify", "--all")).exitCode).toBe(0);
    expect(await contents(instance, 0)).toMatchObject(SOUND);
  });
});

describe("doctor and status, of packs that are not there", () => {
  it("all of them: nothing is safe until the next backup, which stores all anew, or until they are back", async () => {
    using folder = temporaryFolder();
    const instance = staged(folder.path, "repository");
    const ids = [await take(instance), await take(instance)].toReversed();
    const packs = packsIn(instance.vault).length;
    expect(await contents(instance, 0)).toMatchObject(SOUND);
    renameSync(join(instance.vault, "packs"), folder.join("elsewhere"));
    const found = await contents(instance, 1);
    expect(found).toMatchObject([
      { verdict: "problem", subject: "packs", seen: `${packs} packs are missing. 2 backups need what is lost: ${ids.join(", ")}` },
    ]);
    expect(found[0]?.todo).toMatch(/^Take a backup.*: holdfast backup\. /);
    expect((await statusOf(instance, 4)).components).toMatchObject([
      { safe: false, problem: expect.stringMatching(new RegExp(`^${ids[0]} is not whole any more: \\d+ packs are missing$`)) },
    ]);

    const whole = await take(instance);
    expect(await statusOf(instance, 0)).toMatchObject({ safe: true, newest: whole });
    expect(await contents(instance, 1)).toMatchObject([{ verdict: "problem", seen: expect.stringContaining(ids.join(", ")) }]);
    // What was read back is on record, and goes with those backups.
    expect((await instance.run("verify", "--all")).exitCode).toBe(4);
    expect((await contents(instance, 0)).map(({ verdict }) => verdict)).toEqual(["warning", "warning"]);
    rmSync(folder.join("elsewhere"), { recursive: true });
    for (const id of ids) expect((await instance.run("backup", "delete", id, "--yes")).exitCode).toBe(0);
    expect((await contents(instance, 0))[0]).toMatchObject(SOUND[0] ?? {});
  });

  it("one that was cut short and one that is gone: both are told, and nothing any more when they are back", async () => {
    using folder = temporaryFolder();
    const instance = staged(folder.path, "repository");
    await take(instance);
    const young = await take(instance);
    const [one, other] = packsIn(instance.vault).map(({ path }) => path) as [string, string];
    renameSync(one, folder.join("one"));
    renameSync(other, folder.join("other"));
    writeFileSync(other, "short");
    expect(await contents(instance, 1)).toMatchObject([
      {
        verdict: "problem",
        seen: expect.stringMatching(/^1 pack is missing, and 1 pack has another length\. \d backups? needs? what is lost/),
      },
    ]);
    expect((await statusOf(instance, 4)).components[0]?.problem).toContain(`${young} is not whole any more: 1 pack`);
    renameSync(folder.join("one"), one);
    renameSync(folder.join("other"), other);
    expect(await contents(instance, 0)).toMatchObject(SOUND);
    expect(await statusOf(instance, 0)).toMatchObject({ problems: [] });
  });
});
