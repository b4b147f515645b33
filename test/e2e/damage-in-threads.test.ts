import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const FILES = 30;
const FILE_BYTES = 1_000_000;
const PLACES = 8;

describe("damage in a vault that several threads read", () => {
  it("is told of the file it is in, by restore and by verify, whichever thread meets it", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("notes"));
    for (let n = 0; n < FILES; n += 1) writeFileSync(folder.join("notes", `f${n}`), randomBytes(FILE_BYTES));
    const { run, vault } = makeInstance(folder.path, "  notes: { path: notes }", { form: "repository" });
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const packs = readdirSync(join(vault, "packs"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    for (let place = 0; place < PLACES; place += 1) {
      const path = packs[place % packs.length] ?? "";
      const whole = readFileSync(path);
      const bytes = Buffer.from(whole);
      // Not its end, which is no file's.
      const at = Math.floor((bytes.length * (place + 0.5)) / (PLACES + 1));
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      const restore = failureOf(await run("restore", id, "--to", folder.join(`out-${place}`), "--json"), 4);
      expect(restore).toMatchObject({ code: "BACKUP_DAMAGED" });
      expect(restore.message).toMatch(/^"notes\/f\d+" is damaged/);
      expect((await run("verify", id, "--json")).exitCode).toBe(4);
      writeFileSync(path, whole);
    }
    expect((await run("verify", id, "--json")).exitCode).toBe(0);
  });
});
