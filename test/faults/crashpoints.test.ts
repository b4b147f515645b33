import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CRASHPOINTS, type Crashpoint } from "../../src/kernel/index.ts";
import { readBank } from "../support/bank.ts";
import { holdfast } from "../support/holdfast.ts";
import { STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { copyWorkspace, makeWorkspace } from "../support/workspace.ts";

/** A command that passes each crashpoint; {ID} is the newest backup, {OUT} a path that does not exist. */
function commandFor(point: Crashpoint): readonly string[] {
  if (point.startsWith("mark-")) return ["backup", "pin", "latest"];
  if (point.startsWith("removal-")) return ["backup", "delete", "{ID}", "--yes"];
  if (point.startsWith("undelete-")) return ["backup", "undelete", "{TRASHED}"];
  if (point.startsWith("restore-")) return ["restore", "latest", "--to", "{OUT}"];
  if (point.startsWith("export-")) return ["export", "latest", "--output", "{OUT}.tar.gz"];
  if (point.startsWith("import-")) return ["import", "{PORTABLE}"];
  return ["backup"];
}

/**
 * A restore in place is killed in restore-in-place.test.ts, where there is something live to look at; prune and its sweep in
 * prune.test.ts; a rotation of keys beside its subject, in rotate-keys.test.ts.
 */
const ELSEWHERE = /^(?:in-place|trash|key-rotate|records?)-|^pack-swept$/;
/** Passed in one form only. */
const IN_REPOSITORY: readonly Crashpoint[] = ["pack-before-publish", "pack-published", "repository-content-stored"];
const IN_ARCHIVE: readonly Crashpoint[] = ["archive-body-written"];
/** Before the vault exists there is nothing to list. */
const NEEDS_NO_VAULT: readonly Crashpoint[] = ["vault-created"];
/** Passed only under a pause. */
const PAUSED: readonly Crashpoint[] = ["pause-requested", "pause-held", "cut-complete"];
/** From here on the backup exists, and must be whole. */
const COMMITTED: readonly Crashpoint[] = ["backup-published", "backup-committed", "import-published" as Crashpoint];

interface ListDocument {
  readonly backups: readonly { readonly id: string }[];
  readonly damaged: readonly unknown[];
  readonly trash: readonly { readonly id: string }[];
  readonly missing: readonly number[];
  readonly chain: readonly string[];
}

describe.each(STORED_FORMS)("kill -9 at every crashpoint, %s", (_name, form) => {
  const nursery = temporaryFolder();
  const grown = makeWorkspace(nursery.path, { form });
  const points = CRASHPOINTS.filter(
    (point) => !ELSEWHERE.test(point) && !(form === "repository" ? IN_ARCHIVE : IN_REPOSITORY).includes(point),
  );
  const ids: string[] = [];

  beforeAll(async () => {
    for (let count = 0; count < 2; count += 1)
      ids.push((await holdfast(["--config", grown.config, "backup", "--json"])).json<{ id: string }>().id);
  });
  afterAll(() => nursery[Symbol.dispose]());

  it.each(points.map((point) => [point]))("%s: nothing half-made is listed, and the next backup works", async (point) => {
    using folder = temporaryFolder();
    const { config } = NEEDS_NO_VAULT.includes(point) ? makeWorkspace(folder.path, { form }) : copyWorkspace(grown, folder.path);
    // What is unchanged needs no new pack.
    writeFileSync(folder.join("data", "memory", "since.md"), "written since\n");
    if (PAUSED.includes(point)) {
      const pause = "  paused: { path: data/memory, pause: { command: [./pause], resume: [./resume], timeout: 20s } }";
      writeFileSync(config, readFileSync(config, "utf8").replace("components:", `components:\n${pause}`));
      for (const name of ["pause", "resume"]) {
        writeFileSync(folder.join(name), `#!/bin/sh\necho ${name} >> ${folder.join("pauses")}\n`);
        chmodSync(folder.join(name), 0o755);
      }
    }
    const run = (args: readonly string[], env = {}) => holdfast(["--config", config, ...args], { env });
    const list = async (): Promise<ListDocument> => (await run(["backup", "list", "--json"])).json<ListDocument>();
    const values: Record<string, string> = { OUT: folder.join("out"), PORTABLE: folder.join("portable.tar.gz") };
    if (!NEEDS_NO_VAULT.includes(point)) {
      [values["TRASHED"] = "", values["ID"] = ""] = ids;
      if (point.startsWith("import-")) {
        expect((await run(["export", values["TRASHED"], "--output", folder.join("portable.tar.gz")])).exitCode).toBe(0);
      }
      if (point.startsWith("undelete-")) expect((await run(["backup", "delete", values["TRASHED"], "--yes"])).exitCode).toBe(0);
    }
    const before = NEEDS_NO_VAULT.includes(point) ? undefined : await list();
    const command = commandFor(point).map((part) => part.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ""));
    const extra = PAUSED.includes(point) ? ["--component", "paused"] : [];
    // An import of what the vault holds already would be refused before it begins.
    const target = point.startsWith("import-") ? makeWorkspace(folder.join("second"), { form }).config : config;
    const killed = await holdfast(["--config", target, ...command, ...extra], { env: { HOLDFAST_CRASHPOINT: point } });
    expect(`${killed.signal} ${killed.exitCode}`, killed.stderr).toBe(point === "pause-requested" ? "null 1" : "SIGKILL null");

    if (before !== undefined && target === config) {
      const after = await list();
      expect(after.damaged).toEqual([]);
      expect(after.missing).toEqual([]);
      expect(after.chain).toEqual([]);
      const expected = COMMITTED.includes(point) ? before.backups.length + 1 : before.backups.length;
      if (!/^(removal|undelete)-/.test(point)) expect(after.backups).toHaveLength(expected);
      expect(after.backups.length + after.trash.length).toBe(
        before.backups.length + before.trash.length + (COMMITTED.includes(point) ? 1 : 0),
      );
    }
    const next = await holdfast(["--config", target, "backup"]);
    expect(next.exitCode, next.stderr).toBe(0);
    const verified = await holdfast(["--config", target, "verify", "--all"]);
    expect(verified.stdout).not.toContain("DAMAGED");
    expect(verified.exitCode).toBe(0);
    expect((await holdfast(["--config", target, "restore", "latest", "--to", folder.join("proof")])).exitCode).toBe(0);
    expect(readBank(folder.join("proof", "synthorg.db")).last).toBe(5);
    const vault = target === config ? folder.join("backups") : folder.join("second", "backups");
    expect(readdirSync(vault).filter((name) => name.endsWith(".partial"))).toEqual([]);
    if (form === "repository") expect(readdirSync(join(vault, "packs"), { recursive: true }).join("\n")).not.toMatch(/\.new\/./);
  });
});
