import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openInstance } from "../../src/app/index.ts";
import { backup, type BackupOptions } from "../../src/operations/index.ts";
import { readBank } from "../support/bank.ts";
import { holdfast } from "../support/holdfast.ts";
import { documentOf, type BackupDocument } from "../support/instance.ts";
import { killPins } from "../support/kill-pins.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace, type Workspace } from "../support/workspace.ts";
import { writerProcess } from "../support/writer-process.ts";

function pinnedWorkspace(folder: TemporaryFolder, extra = ""): Workspace {
  const workspace = makeWorkspace(folder.path, { form: "repository", extra });
  const text = readFileSync(workspace.config, "utf8");
  writeFileSync(workspace.config, text.replace("path: data/synthorg.db }", "path: data/synthorg.db, read: pinned }"));
  return workspace;
}

interface Shown {
  readonly manifest: {
    readonly db_schema_version: number | null;
    readonly component_details: Readonly<Record<string, { readonly sqlite?: { readonly read: string; readonly quick_check: string } }>>;
  };
}

/** Restores a backup and reads its database. */
async function restored(folder: TemporaryFolder, { config }: Workspace, id: string): Promise<{ last: number }> {
  const place = folder.join("restored", id);
  documentOf(await holdfast(["--config", config, "restore", id, "--to", place, "--json"]), 0);
  return readBank(join(place, "synthorg.db"));
}

describe("holdfast backup of a database with read: pinned", () => {
  it("takes whole committed states in place while another process commits, and tells that it did", async () => {
    using folder = temporaryFolder();
    const workspace = pinnedWorkspace(folder, "schema_version: { component: persistence, query: SELECT max(number) FROM log }\n");
    await using writer = await writerProcess(workspace.database, { tps: 200 });
    for (let n = 0; n < 3; n += 1) {
      const before = writer.committed();
      const { id } = documentOf<BackupDocument>(await holdfast(["--config", workspace.config, "backup", "--json"]), 0);
      const { last } = await restored(folder, workspace, id);
      expect(last).toBeGreaterThanOrEqual(before);
      const { manifest } = documentOf<Shown>(await holdfast(["--config", workspace.config, "backup", "show", id, "--json"]), 0);
      expect(manifest.component_details["persistence"]?.sqlite).toMatchObject({ read: "pinned", quick_check: n === 0 ? "ok" : "skipped" });
      // Asked of the snapshot itself.
      expect(manifest.db_schema_version).toBe(last);
    }
    documentOf(await holdfast(["--config", workspace.config, "verify", "--all", "--json"]), 0);
    await writer.stop();
  });

  it.each([
    ["read again in place when it was let go of once", 1, "pinned"],
    ["copied when it was let go of each time", Infinity, "staged"],
  ])("is %s", async (_, times, read) => {
    using folder = temporaryFolder();
    const workspace = pinnedWorkspace(folder);
    await using writer = await writerProcess(workspace.database, { tps: 100 });
    const instance = openInstance({ config: workspace.config, env: process.env, cwd: workspace.folder });
    const killed = new Set<string>();
    // Told after the pages were stored, and before they are confirmed.
    const onProgress: BackupOptions["onProgress"] = ({ component, bytes }) => {
      if (component === "persistence" && bytes > 0 && killed.size < times) for (const pid of killPins()) killed.add(pid);
    };
    const before = writer.committed();
    const { head, status } = await backup(instance, { components: ["persistence"], onProgress });
    expect(killed.size).toBe(times === 1 ? 1 : 3);
    expect(status).toBe("complete");
    expect(head.manifest.component_details["persistence"]).toMatchObject({ whole: true, warnings: [], sqlite: { read } });
    expect((await restored(folder, workspace, head.id)).last).toBeGreaterThanOrEqual(before);
    await writer.stop();
  });

  it.each([
    ["was opened and changed meanwhile", false],
    ["is opened, changed and closed whenever it is read", true],
  ])("is held and read again when a cold one %s", async (_, closes) => {
    using folder = temporaryFolder();
    const workspace = pinnedWorkspace(folder);
    const writer = await writerProcess(workspace.database, { tps: 100 });
    await writer.stop();
    using database = new DatabaseSync(workspace.database);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    expect(readdirSync(dirname(workspace.database)).filter((name) => name.includes("-"))).toEqual([]);
    const instance = openInstance({ config: workspace.config, env: process.env, cwd: workspace.folder });
    const read = async (onProgress: NonNullable<BackupOptions["onProgress"]>): Promise<unknown> => {
      const { head, status } = await backup(instance, { components: ["persistence"], onProgress });
      expect(status).toBe("complete");
      await restored(folder, workspace, head.id);
      return head.manifest.component_details["persistence"]?.sqlite?.read;
    };
    expect(await read(() => {})).toBe("cold");
    using runtime = new DatabaseSync(workspace.database);
    let touched = 0;
    const touch: NonNullable<BackupOptions["onProgress"]> = ({ component, bytes }) => {
      if (component !== "persistence" || bytes === 0 || (touched > 0 && !closes)) return;
      touched += 1;
      if (closes && touched > 1) runtime.open();
      runtime.exec(`PRAGMA user_version = ${77 + touched}`);
      if (closes) runtime.close();
    };
    utimesSync(workspace.database, new Date(), new Date());
    expect(await read(touch)).toBe("pinned");
    expect(touched).toBeGreaterThan(closes ? 1 : 0);
  });
});
