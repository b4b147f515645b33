import { symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { backupHead } from "../../../test/support/backup-head.ts";
import { FAKE_NOW } from "../../../test/support/fake-vault.ts";
import { componentAt, patientIn } from "../../../test/support/patient.ts";
import { told, wrong } from "../../../test/support/sights.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { makeWorkspace } from "../../../test/support/workspace.ts";
import { writeTree } from "../../../test/support/write-tree.ts";
import { checkComponents } from "./components.ts";
import { checkLeftovers } from "./leftovers.ts";

describe("checkComponents()", () => {
  it("tells what is not there, what does not resolve, and what may be missing", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "orchestrator.json": '{"stateFile":"redis://x"}' });
    const pointer = { from: folder.join("orchestrator.json"), pointer: "/stateFile", env: null };
    const sights = await checkComponents(
      patientIn(folder.path, {
        components: [
          componentAt("gone", folder.join("gone")),
          componentAt("spare", folder.join("spare"), { optional: true }),
          componentAt("state", "", { path: pointer }),
          componentAt("conf", folder.join("orchestrator.json")),
        ],
      }),
    );
    expect(wrong(sights)).toEqual([
      expect.stringMatching(/^problem gone: It is not there/),
      expect.stringMatching(/^problem state: .*`redis:` address/),
    ]);
  });

  it("knows a database from its header: sound, empty, cut off, and one that is none any more", async () => {
    using folder = temporaryFolder();
    const { database } = makeWorkspace(folder.path);
    const patient = (kind?: "sqlite"): ReturnType<typeof patientIn> =>
      patientIn(folder.path, {
        components: [componentAt("db", database, { kind })],
        listing: { backups: [backupHead({ components: { db: { source: "sqlite" } } })] },
      });
    expect(told(await checkComponents(patient()))).toEqual([expect.stringMatching(/^ok db: database, .* pages of 4096, write-ahead log/)]);
    truncateSync(database, 5000);
    expect(wrong(await checkComponents(patient()))).toEqual([expect.stringContaining("no whole pages")]);
    truncateSync(database, 50);
    expect(wrong(await checkComponents(patient()))).toEqual([expect.stringContaining("cut off within its header")]);
    truncateSync(database, 0);
    expect(wrong(await checkComponents(patient()))).toEqual([expect.stringContaining("0 bytes")]);
    writeFileSync(database, "no database at all, in so many words");
    expect(wrong(await checkComponents(patient()))).toEqual([expect.stringContaining("It was a database in the newest good backup")]);
    const declared = patientIn(folder.path, { components: [componentAt("db", database, { kind: "sqlite" })] });
    expect(wrong(await checkComponents(declared))).toEqual([expect.stringContaining("It is declared a database")]);
  });

  it("notices another kind than the remembered one, and one that cannot be looked at hides no other", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "notes/a": "" });
    symlinkSync("loop", folder.join("loop"));
    const sights = await checkComponents(
      patientIn(folder.path, {
        components: [componentAt("loop", folder.join("loop")), componentAt("notes", folder.join("notes"))],
        listing: { backups: [backupHead({ components: { notes: { source: "file" } } })] },
      }),
    );
    expect(wrong(sights)).toEqual([
      expect.stringMatching(/^unknown loop: .*ELOOP/),
      expect.stringMatching(/^warning notes: It was read as "file"/),
    ]);
  });
});

describe("checkLeftovers()", () => {
  it("finds a restore that did not end, its marker, and old sets with size and age", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "data/memory/a": "",
      "data/.holdfast-old-x/memory/set": "x".repeat(2000),
      "data/.holdfast-old-y/memory/set": "",
    });
    const components = [componentAt("memory", folder.join("data/memory")), componentAt("gone", folder.join("gone"))];
    const nine = (FAKE_NOW - 9 * 86_400_000) / 1000;
    utimesSync(folder.join("data/.holdfast-old-x"), nine, nine);
    utimesSync(folder.join("data/.holdfast-old-y"), FAKE_NOW / 1000, FAKE_NOW / 1000);
    expect(told(await checkLeftovers(patientIn(folder.path, { components })))).toEqual([
      `warning : "${folder.join("data/.holdfast-old-x")}": 2.0 kB, 9d 0h old`,
      expect.stringMatching(/^ok : .*-y.*kept for an undo/),
    ]);
    writeTree(folder.path, { "data/memory/RESTORE-IN-PROGRESS.holdfast": "" });
    expect(wrong(await checkLeftovers(patientIn(folder.path, { components })))).toContainEqual(
      expect.stringMatching(/^problem : .*no journal knows/),
    );
    const journal = {
      version: "1",
      id: "r",
      backup: "b",
      phase: "swapping",
      started_at: "then",
      moves: [],
      folders: [],
      beside: [],
      others: [],
    };
    writeTree(folder.path, { ".holdfast/restore/journal.json": JSON.stringify(journal) });
    expect(wrong(await checkLeftovers(patientIn(folder.path, { components })))).toEqual([
      "problem : A restore of b has not ended, since then (swapping)",
    ]);
  });
});
