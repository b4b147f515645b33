import { randomBytes } from "node:crypto";
import { appendFileSync, copyFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf, failureOf, makeInstance, type BackupDocument, type Instance } from "../support/instance.ts";
import { headFile, packsIn } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const FILES = ["a.bin", "b.bin", "c.md"];

interface Listed {
  readonly backups: readonly { readonly id: string }[];
  readonly damaged: readonly { readonly name: string; readonly problem: string }[];
  readonly missing: readonly number[];
}

interface Verified {
  readonly results: readonly { readonly id: string; readonly ok: boolean; readonly problem: string | null }[];
}

async function take({ run }: Instance): Promise<BackupDocument> {
  return documentOf<BackupDocument>(await run("backup", "--json"), 0);
}

async function list({ run }: Instance, exitCode: number): Promise<Listed> {
  return documentOf<Listed>(await run("backup", "list", "--json"), exitCode);
}

/** That a restore gives the live state, byte for byte. */
async function expectRestores(instance: Instance, id: string): Promise<void> {
  const place = join(instance.folder, `proof-${id}`);
  documentOf(await instance.run("restore", id, "--to", place, "--json"), 0);
  for (const name of FILES)
    expect(readFileSync(join(place, "memory", name)).equals(readFileSync(join(instance.folder, "memory", name))), name).toBe(true);
}

/** One instance with two backups, made once; each test breaks a copy of it. */
function twoBackups(): { readonly ids: string[]; copy(folder: string): Instance } {
  const nursery = temporaryFolder();
  const ids: string[] = [];
  const components = "  memory: { path: memory, importance: critical }";
  const make = (folder: string): Instance => makeInstance(folder, components, { form: "repository" });
  beforeAll(async () => {
    writeTree(nursery.path, { "memory/c.md": "# Note\n" });
    writeFileSync(nursery.join("memory", "a.bin"), randomBytes(300_000));
    writeFileSync(nursery.join("memory", "b.bin"), randomBytes(200_000));
    const instance = make(nursery.path);
    ids.push((await take(instance)).id);
    writeFileSync(nursery.join("memory", "b.bin"), randomBytes(200_000));
    ids.push((await take(instance)).id);
  });
  afterAll(() => nursery[Symbol.dispose]());
  return {
    ids,
    copy: (folder) => {
      cpSync(nursery.path, folder, { recursive: true, preserveTimestamps: true });
      return make(folder);
    },
  };
}

describe("a pack that is not what it was", () => {
  const { ids, copy } = twoBackups();

  it.each<[string, (largest: string, other: string) => void]>([
    ["truncated", (pack) => truncateSync(pack, 200_000)],
    ["longer", (pack) => appendFileSync(pack, "more")],
    ["missing", (pack) => rmSync(pack)],
    [
      "bit-flipped",
      (pack) => {
        const bytes = readFileSync(pack);
        bytes[150_000] = (bytes[150_000] ?? 0) ^ 1;
        writeFileSync(pack, bytes);
      },
    ],
    [
      "swapped with another",
      (pack, other) => {
        renameSync(pack, `${pack}.aside`);
        renameSync(other, pack);
        renameSync(`${pack}.aside`, other);
      },
    ],
  ])("%s: verify and restore refuse what lies in it and give no wrong byte, and the next backup stores that anew", async (_what, harm) => {
    using folder = temporaryFolder();
    const instance = copy(folder.path);
    const [largest, other] = packsIn(instance.vault);
    harm(largest?.path ?? "", other?.path ?? "");

    const { results } = documentOf<Verified>(await instance.run("verify", "--all", "--json"), 4);
    expect(
      results
        .filter(({ ok }) => !ok)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids);
    const names = [largest, other].map((pack) => pack?.path.split("/").at(-1) ?? "");
    expect(names.some((name) => results[0]?.problem?.includes(name))).toBe(true);
    const out = folder.join("out");
    expect(failureOf(await instance.run("restore", ids[1] ?? "", "--to", out, "--json"), 4).code).toBe("BACKUP_DAMAGED");
    for (const name of FILES) {
      const restored = join(out, "memory", name);
      if (existsSync(restored)) expect(readFileSync(restored).equals(readFileSync(folder.join("memory", name)))).toBe(true);
    }
    expect((await instance.run("status")).exitCode).toBe(4);

    const { id } = await take(instance);
    const again = documentOf<Verified>(await instance.run("verify", "--all", "--json"), 4);
    expect(again.results.map((result) => [result.id, result.ok])).toEqual([[id, true], ...ids.toReversed().map((old) => [old, false])]);
    await expectRestores(instance, id);
    expect((await instance.run("status")).exitCode).toBe(0);
  });
});

describe("a sealed manifest that is not where it was", () => {
  const { ids, copy } = twoBackups();
  const [older, newer] = [() => ids[0] ?? "", () => ids[1] ?? ""];

  it("deleted: its number is missing, and the next backup builds on the one before", async () => {
    using folder = temporaryFolder();
    const instance = copy(folder.path);
    rmSync(headFile("repository", instance.vault, newer()));
    expect((await list(instance, 4)).missing).toEqual([2]);
    const { id } = await take(instance);
    await expectRestores(instance, id);
    expect((await list(instance, 4)).missing).toEqual([2]);
  });

  it("rolled back to the one before it: it is damaged by its name, nothing is restored from it, and the next backup is right", async () => {
    using folder = temporaryFolder();
    const instance = copy(folder.path);
    copyFileSync(headFile("repository", instance.vault, older()), headFile("repository", instance.vault, newer()));
    const listed = await list(instance, 4);
    expect(listed.backups.map(({ id }) => id)).toEqual([older()]);
    expect(listed.damaged).toEqual([
      expect.objectContaining({ name: `${newer()}.backup`, problem: expect.stringContaining("as the name says") as string }),
    ]);
    expect((await instance.run("restore", newer(), "--to", folder.join("out"))).exitCode).not.toBe(0);
    const { id } = await take(instance);
    await expectRestores(instance, id);
  });

  it("put back after it was removed and its packs were swept: it is gone again with the next change, and nobody builds on it", async () => {
    using folder = temporaryFolder();
    const instance = copy(folder.path);
    const path = headFile("repository", instance.vault, newer());
    copyFileSync(path, folder.join("copy"));
    for (const command of [["backup", "delete", newer(), "--yes"], ["prune"]]) expect((await instance.run(...command)).exitCode).toBe(0);
    copyFileSync(folder.join("copy"), path);
    const { id } = await take(instance);
    await expectRestores(instance, id);
    expect((await list(instance, 0)).backups.map((backup) => backup.id)).toEqual([id, older()]);
  });

  it("copied from another vault, which the same key opens: it is damaged, and restored from by nobody", async () => {
    using folder = temporaryFolder();
    const instance = copy(folder.path);
    copyFileSync(folder.join("holdfast.key"), folder.join("other.key"));
    const other = copy(folder.join("second"));
    rmSync(other.vault, { recursive: true });
    const { id: foreign } = await take(other);
    copyFileSync(headFile("repository", other.vault, foreign), headFile("repository", instance.vault, foreign));
    const listed = await list(instance, 4);
    expect(listed.damaged.map(({ name }) => name)).toEqual([`${foreign}.backup`]);
    expect(listed.backups.map(({ id }) => id)).toEqual(ids.toReversed());
    expect((await instance.run("restore", foreign, "--to", folder.join("out"))).exitCode).not.toBe(0);
    const { id } = await take(instance);
    await expectRestores(instance, id);
  });
});
