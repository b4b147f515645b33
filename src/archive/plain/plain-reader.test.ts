import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { readAll, takeBackupOf } from "../../testing/index.ts";
import { openArchiveVault } from "../index.ts";
import { type LocalVault } from "../../local-vault/index.ts";

function open(folder: TemporaryFolder): Promise<LocalVault> {
  return openArchiveVault({ path: folder.join("vault"), instance: { name: "contract" }, compression: false, create: true });
}

const FILES = { "a.txt": "alpha", "sub/b.txt": "beta" };

describe("PlainReader", () => {
  const damage: readonly (readonly [string, (top: string) => void, RegExp])[] = [
    ["a missing file", (top) => rmSync(`${top}/memory/sub/b.txt`), /"memory\/sub\/b.txt" is damaged: it is missing/],
    [
      "a file that is more",
      (top) => writeFileSync(`${top}/memory/sub/more`, ""),
      /"memory\/sub\/more" is damaged: it lies in the backup and is not recorded/,
    ],
    ["a shorter file", (top) => writeFileSync(`${top}/memory/a.txt`, "alph"), /"memory\/a.txt" is damaged: it has 4 bytes where 5/],
    ["another content", (top) => writeFileSync(`${top}/memory/a.txt`, "alphb"), /"memory\/a.txt" is damaged: its content/],
    [
      "a link instead of a file",
      (top) => {
        rmSync(`${top}/memory/a.txt`);
        symlinkSync("/etc/hostname", `${top}/memory/a.txt`);
      },
      /"memory\/a.txt" is damaged/,
    ],
    [
      "a link instead of a folder",
      (top) => {
        renameSync(`${top}/memory/sub`, `${top}/../elsewhere`);
        symlinkSync("../../elsewhere", `${top}/memory/sub`);
      },
      /"memory\/sub" is damaged: it is no folder/,
    ],
    ["a missing list of entries", (top) => rmSync(`${top}/entries.jsonl`), /"entries.jsonl" is damaged: it is missing/],
    [
      "a changed list of entries",
      (top) => writeFileSync(`${top}/entries.jsonl`, readFileSync(`${top}/entries.jsonl`, "utf8").replace('"mode":420', '"mode":511')),
      /checksum/,
    ],
    [
      "a shorter list of entries",
      (top) =>
        writeFileSync(`${top}/entries.jsonl`, readFileSync(`${top}/entries.jsonl`, "utf8").split("\n").slice(0, -2).join("\n") + "\n"),
      /less of "memory"/,
    ],
  ];
  it.each(damage)("finds %s and names it", async (_, harm, message) => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const head = await takeBackupOf(vault, FILES);
    harm(head.location);
    await expect(readAll(vault, head.id)).rejects.toMatchObject({
      code: "BACKUP_DAMAGED",
      message: expect.stringMatching(message) as string,
    });
  });

  it("reads on while the backup is deleted", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const head = await takeBackupOf(vault, FILES);
    await using reader = await vault.open(head.id);
    const names: string[] = [];
    for await (const { entry, content } of reader.read()) {
      if (names.length === 0) await vault.remove([head.id], "x", 0);
      for await (const _ of content ?? []) continue;
      names.push(entry.path);
    }
    expect(names).toEqual([".", "a.txt", "sub", "sub/b.txt"]);
    await expect(vault.sweepTrash()).rejects.toMatchObject({ code: "VAULT_BUSY" });
    await reader[Symbol.asyncDispose]();
    expect(await vault.sweepTrash()).toEqual([head.id]);
    expect(await vault.sweepTrash()).toEqual([]);
    expect([(await vault.list()).missing, (await vault.list()).trash]).toEqual([[], []]);
    await expect(vault.undelete(head.id, 0)).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
  });
});
