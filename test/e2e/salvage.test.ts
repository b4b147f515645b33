import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { goodFor } from "../../src/vault/index.ts";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { documentOf, makeInstance } from "../support/instance.ts";
import { breakAll, salvage, sound, STATE, told } from "../support/salvage.ts";
import { STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";
import { writerProcess } from "../support/writer-process.ts";

/** A salvage is told by what is read: one form that packs, and one that streams. */
const FORMS = STORED_FORMS.filter(([, form]) => form !== "directory");

describe.each(FORMS)("backup() in salvage of a broken state, %s", (_name, form) => {
  it("keeps everything raw with its sidecars and names it, and every command reads it", { timeout: 120_000 }, async () => {
    using folder = temporaryFolder();
    const instance = await sound(folder.path, form);
    const good = (await instance.run("backup", "list", "--json")).json<{ backups: { id: string }[] }>().backups[0]?.id ?? "";
    const junk = breakAll(folder.path);
    const outcome = await salvage(instance);
    const { id, manifest } = outcome.head;
    expect(outcome.status).toBe("partial");
    expect(manifest).toMatchObject({
      trigger: "pre-restore",
      components: ["persistence", "memory", "state", "holdfast"],
      not_captured: {},
      component_details: {
        persistence: {
          source: "tree",
          stored_as: "persistence",
          suspect: true,
          salvaged: { file: "state.db", reason: expect.stringContaining("newest good backup") as string },
        },
        memory: { source: "tree", suspect: true, salvaged: { file: null, paths: ["index.db"] } },
        state: { source: "file", suspect: true, salvaged: { file: null, reason: expect.stringContaining("no valid JSON") as string } },
        holdfast: { suspect: false },
      },
    });
    expect(manifest.components.map((name) => goodFor(manifest, name))).toEqual([false, false, false, true]);
    expect(outcome.alarms).toEqual([
      expect.stringMatching(/^persistence: .*; it is kept as it lies, marked suspect$/),
      "memory: kept raw, with their sidecars: index.db",
      expect.stringMatching(/^state: .*no valid JSON.*; it is kept as it lies, marked suspect$/),
    ]);

    expect((await instance.run("verify", id)).exitCode).toBe(0);
    expect((await instance.run("backup", "show", id)).stdout).toContain("suspect");
    expect((await instance.run("ls", id, "--recursive")).stdout).toContain("persistence/state.db-wal");
    expect((await instance.run("cat", id, "state/state.json")).stdout).toBe('{"turn": 2, "text": "cut of');
    expect((await instance.run("diff", good, id)).stdout).toContain("persistence/state.db-wal");
    const file = folder.join("portable.tar.gz");
    expect((await instance.run("export", id, "--output", file)).exitCode).toBe(0);
    const other = makeInstance(folder.join("other"), "  state: { path: ../data/state.json, kind: file }");
    expect((await other.run("import", file)).exitCode).toBe(0);
    expect((await other.run("verify", id)).exitCode).toBe(0);

    // A database that is damaged is restored as the bytes that it is.
    expect((await instance.run("restore", id, "--to", folder.join("out"))).exitCode).toBe(0);
    const places = { persistence: "data/", memory: "data/memory/", state: "data/" };
    const files = Object.entries(places).flatMap(([component, from]) =>
      Object.entries(junk).flatMap(([path, bytes]) => {
        const name = path.slice(from.length);
        const mine =
          path.startsWith(from) &&
          !name.includes("/") &&
          name.startsWith({ persistence: "state.db", memory: "index", state: "state.json" }[component] ?? "");
        return mine ? [[`${component}/${name}`, bytes] as const] : [];
      }),
    );
    expect(files).toHaveLength(6);
    const listed = (await instance.run("ls", id, "--recursive", "--json")).json<{ entries: { path: string; size: number }[] }>().entries;
    for (const [path, bytes] of files) expect(listed).toContainEqual(expect.objectContaining({ path, size: bytes.length }));
    expect(listed).toContainEqual(expect.objectContaining({ path: "memory/note.md" }));
  });

  it("is no sign of how backups go: the newest good backup and the last run stay what they were", async () => {
    using folder = temporaryFolder();
    const instance = await sound(folder.path, form);
    const lastRun = folder.join(".holdfast", "last-run.json");
    const before = readFileSync(lastRun, "utf8");
    breakAll(folder.path);
    await salvage(instance);
    expect(readFileSync(lastRun, "utf8")).toBe(before);
    // What was a database is one still to the next backup, and not the file that the salvage kept.
    const taken = await instance.run("backup", "--json");
    expect(taken.json()).toMatchObject({ error: { code: "DATABASE_DAMAGED" } });
  });
});

describe("backup() in salvage", () => {
  it("takes a consistent copy wherever one can be had: a live writer's rows that lie in the log alone", { timeout: 120_000 }, async () => {
    using folder = temporaryFolder();
    const instance = await sound(folder.path);
    await using writer = await writerProcess(folder.join("data", "state.db"), { tps: 200 });
    await writer.waitFor(50);
    const before = writer.committed();
    const outcome = await salvage(instance);
    expect(outcome).toMatchObject({ status: "complete", alarms: [] });
    expect(told(outcome, "persistence")).toMatchObject({ source: "sqlite", stored_as: "state.db", suspect: false });
    expect(readBank(`${outcome.head.location}/state.db`).last).toBeGreaterThanOrEqual(before);
    expect(await writer.stop()).toBeGreaterThan(before);
  });

  it("marks a database whose copy can be had and whose pages are corrupt, and does not keep it raw", async () => {
    using folder = temporaryFolder();
    const instance = await sound(folder.path);
    const path = folder.join("data", "state.db");
    {
      using bank = createBank(path, "delete");
      for (let n = 0; n < 200; n += 1) moveMoney(bank);
    }
    const bytes = readFileSync(path);
    bytes.fill(0xff, 5 * 4096, 7 * 4096);
    writeFileSync(path, bytes);
    const outcome = await salvage(instance);
    expect(outcome).toMatchObject({ status: "partial", alarms: [expect.stringContaining("the database is damaged")] });
    expect(told(outcome, "persistence")).toMatchObject({ source: "sqlite", suspect: true });
    expect(told(outcome, "persistence")?.salvaged).toBeUndefined();
  });

  it("records what is missing whatever its importance, and commits a backup of the configuration alone", async () => {
    using folder = temporaryFolder();
    const instance = await sound(
      folder.path,
      "directory",
      `${STATE}\n  dump: { command: ["sh", "-c", "echo ran >> runs; exit 3"], as: dump.sql, importance: medium }`,
    );
    rmSync(folder.join("runs"), { force: true });
    rmSync(folder.join("data"), { recursive: true });
    const outcome = await salvage(instance);
    expect(outcome.status).toBe("partial");
    expect(outcome.head.manifest.components).toEqual(["holdfast"]);
    expect(outcome.head.manifest.not_captured).toMatchObject({
      persistence: { importance: "critical", code: "COMPONENT_MISSING" },
      memory: { importance: "high", code: "COMPONENT_MISSING" },
      state: { importance: "critical", code: "COMPONENT_MISSING" },
      dump: { code: "COMMAND_FAILED" },
    });
    // A command has no bytes that could be kept raw: it is not run a second time.
    expect(readFileSync(folder.join("runs"), "utf8")).toBe("ran\n");
    expect((await instance.run("verify", outcome.head.id)).exitCode).toBe(0);
  });

  it("keeps an emptied component, and does not call it good", async () => {
    using folder = temporaryFolder();
    const instance = await sound(folder.path);
    rmSync(folder.join("data", "memory"), { recursive: true });
    mkdirSync(folder.join("data", "memory"));
    const outcome = await salvage(instance);
    expect(told(outcome, "memory")).toMatchObject({
      suspect: true,
      salvaged: { file: null, reason: expect.stringContaining("is empty, and held") as string },
    });
    // So the next backup still knows that something was there.
    expect((await instance.run("backup", "--json")).json()).toMatchObject({ not_captured: [{ name: "memory", code: "COMPONENT_EMPTY" }] });
  });

  it("leaves a database whose schema cannot be asked in a consistent copy, and gives no number", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "data/memory/note.md": "x", "data/state.json": "{}" });
    createBank(folder.join("data", "state.db")).close();
    const more = `schema_version: { component: persistence, query: "SELECT count(*) FROM account" }\n`;
    const instance = makeInstance(folder.path, STATE, { compression: false, more });
    documentOf(await instance.run("backup", "--json"), 0);
    {
      using bank = createBank(folder.join("data", "state.db"));
      bank.exec("DROP TABLE account; PRAGMA user_version = 7");
    }
    const outcome = await salvage(instance);
    expect(told(outcome, "persistence")).toMatchObject({
      source: "sqlite",
      suspect: false,
      warnings: [expect.stringContaining("Cannot read the schema version") as string],
    });
    expect(outcome.head.manifest.db_schema_version).toBeNull();
  });
});
