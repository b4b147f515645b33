import { randomBytes } from "node:crypto";
import { appendFileSync, lutimesSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { documentOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { shiftedClock } from "../support/shifted-clock.ts";
import { STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

const HOUR = 3_600_000;
const COMPONENTS = "  persistence: { path: data/state.db }\n  memory: { path: data/memory }";
const NAMES = ["appended", "replaced", "rewritten", "same-time", "touched", "still"];

/** Changes of every kind, of which one leaves no other time of modification behind, and one leaves nothing but that. */
function change(folder: string, turn: number): void {
  const at = (name: string): string => join(folder, "data", "memory", name);
  appendFileSync(at("appended"), `turn ${turn}\n`);
  writeFileSync(at("replaced.new"), `turn ${turn}`);
  renameSync(at("replaced.new"), at("replaced"));
  writeFileSync(at("rewritten"), randomBytes(3000));
  const { atime, mtime } = statSync(at("same-time"));
  writeFileSync(at("same-time"), `turn ${turn}`);
  lutimesSync(at("same-time"), atime, mtime);
  lutimesSync(at("touched"), new Date(), new Date());
}

describe.each(STORED_FORMS)("a clock that is wrong by an hour, %s", (_name, form) => {
  it("whichever way, and back again: no changed file is missed, and every backup is what the state was by then", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, Object.fromEntries(NAMES.map((name) => [`data/memory/${name}`, "turn 0"])));
    const bank = createBank(folder.join("data", "state.db"));
    const { run, runWith } = makeInstance(folder.path, COMPONENTS, { form });
    for (const [turn, hours] of [1, 0, -1, 0, 1, -1, 0, 0].entries()) {
      change(folder.path, turn);
      moveMoney(bank);
      const { id } = documentOf<BackupDocument>(await runWith(shiftedClock(folder.path, hours * HOUR), "backup", "--json"), 0);
      const out = folder.join("out");
      documentOf(await run("restore", id, "--to", out, "--json"), 0);
      for (const name of NAMES)
        expect(
          readFileSync(join(out, "memory", name)).equals(readFileSync(folder.join("data", "memory", name))),
          `${name}, turn ${turn}`,
        ).toBe(true);
      expect(readBank(join(out, "state.db")).last).toBe(turn + 1);
      rmSync(out, { recursive: true });
    }
    bank.close();
    const list = documentOf<{ backups: unknown[]; missing: unknown[]; chain: unknown[] }>(await run("backup", "list", "--json"), 0);
    expect([list.backups.length, list.missing, list.chain]).toEqual([8, [], []]);
    documentOf(await run("verify", "--all", "--json"), 0);
  });
});
