import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { headFile, STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

interface ListDocument {
  readonly backups: readonly { readonly id: string; readonly protected: readonly string[] }[];
  readonly damaged: readonly { readonly name: string }[];
  readonly missing: readonly number[];
  readonly chain: readonly string[];
  readonly trash: readonly { readonly id: string }[];
}

describe("holdfast backup delete", () => {
  it.each(STORED_FORMS)(
    "of a damaged backup asks, moves it to the trash, and no number is missing then or after a prune (%s)",
    async (_name, form) => {
      using folder = temporaryFolder();
      writeTree(folder.path, { "main.txt": "main" });
      const { run, vault } = makeInstance(folder.path, "  main: { path: main.txt }", { form });
      const ids: string[] = [];
      for (let count = 0; count < 3; count += 1) ids.push(documentOf<BackupDocument>(await run("backup", "--json"), 0).id);
      const id = ids[1] ?? "";
      writeFileSync(headFile(form, vault, id), "no backup");
      expect((await run("backup", "list")).exitCode).toBe(4);
      expect(failureOf(await run("backup", "delete", id, "--json"), 2).code).toBe("CONFIRMATION_NEEDED");
      expect(documentOf<{ id: string; damage: string | null }>(await run("backup", "delete", id, "--yes", "--json"), 0)).toMatchObject({
        id,
        damage: expect.stringMatching(/\S/) as string,
      });
      const listed = documentOf<ListDocument>(await run("backup", "list", "--json"), 0);
      expect([listed.damaged, listed.missing, listed.chain]).toEqual([[], [], []]);
      expect(listed.trash.map((trashed) => trashed.id)).toEqual([id]);
      expect((await run("backup", "undelete", id)).exitCode).toBe(0);
      expect((await run("backup", "list")).exitCode).toBe(4);
      expect((await run("backup", "delete", id, "--yes")).exitCode).toBe(0);
      expect((await run("backup")).exitCode).toBe(0);
      expect((await run("prune")).exitCode).toBe(0);
      const after = documentOf<ListDocument>(await run("backup", "list", "--json"), 0);
      expect([after.damaged, after.missing, after.chain, after.trash]).toEqual([[], [], [], []]);
      expect(failureOf(await run("backup", "undelete", id, "--json"), 2).message).toContain("too late");
    },
  );

  it("keeps what is protected without --force, and list says what is", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "main.txt": "main" });
    const { run } = makeInstance(folder.path, "  main: { path: main.txt }");
    const { id } = documentOf<BackupDocument>(await run("backup", "--trigger", "pre-migration", "--json"), 0);
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const { backups } = documentOf<ListDocument>(await run("backup", "list", "--json"), 0);
    expect(backups.map((backup) => backup.protected)).toEqual([[], ["taken before a migration"]]);
    expect((await run("backup", "list")).stdout).toMatch(/pre-migration .* captured, protected/);
    expect(failureOf(await run("backup", "delete", id, "--yes", "--json"), 1).code).toBe("BACKUP_PROTECTED");
    expect((await run("backup", "delete", id, "--yes", "--force")).exitCode).toBe(0);
  });
});
