import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBank } from "../support/bank.ts";
import { holdfast } from "../support/holdfast.ts";
import { STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { copyWorkspace, makeWorkspace } from "../support/workspace.ts";

interface ListDocument {
  readonly backups: readonly { readonly id: string }[];
  readonly damaged: readonly unknown[];
  readonly missing: readonly number[];
  readonly chain: readonly string[];
}

const DELETE = ["backup", "delete", "{ID}", "--yes"];
const CASES = [
  ["delete", DELETE, "removal-recorded"],
  ["delete", DELETE, "removal-moved"],
  ["prune", ["prune"], "removal-recorded"],
  ["prune", ["prune"], "removal-moved"],
  ["prune", ["prune"], "trash-set-aside"],
  ["prune", ["prune"], "trash-emptying"],
  ["backup", ["backup"], "removal-recorded"],
  ["backup", ["backup"], "removal-moved"],
  ["backup", ["backup"], "trash-set-aside"],
  ["backup", ["backup"], "trash-emptying"],
] as const;

function setCount(config: string, count: number): void {
  writeFileSync(config, readFileSync(config, "utf8").replace(/max_count: \d+/, `max_count: ${count}`));
}

describe.each(STORED_FORMS)("kill -9 in a removal, %s", (_name, form) => {
  const nursery = temporaryFolder();
  const grown = makeWorkspace(nursery.path, { form });
  const ids: string[] = [];

  beforeAll(async () => {
    const run = (args: readonly string[]) => holdfast(["--config", grown.config, ...args]);
    for (let count = 0; count < 6; count += 1) {
      // Each with something of its own, whose pack goes with it.
      writeFileSync(join(grown.folder, "data", "memory", "turn.md"), `turn ${count}\n`);
      ids.push((await run(["backup", "--json"])).json<{ id: string }>().id);
    }
    // Something lies in the trash from an earlier run, and there is more to remove.
    setCount(grown.config, 4);
    await run(["prune"]);
    setCount(grown.config, 2);
  });
  afterAll(() => nursery[Symbol.dispose]());

  const sweeps = [["prune", ["prune"], "pack-swept"] as const, ["backup", ["backup"], "pack-swept"] as const];
  // One small file is not set aside first: it is gone at once.
  const atOnce = CASES.filter(([, , point]) => point !== "trash-emptying");
  it.each(form === "repository" ? [...atOnce, ...sweeps] : CASES)(
    "of %s (%j) at %s: what is listed can be read, no number is missing, and the next commands go on",
    async (_what, command, point) => {
      using folder = temporaryFolder();
      const { config, vault } = copyWorkspace(grown, folder.path);
      const run = (args: readonly string[], env = {}) => holdfast(["--config", config, ...args], { env });
      const killed = await run(
        command.map((part) => (part === "{ID}" ? (ids[3] ?? "") : part)),
        { HOLDFAST_CRASHPOINT: point },
      );
      expect(`${killed.signal} ${killed.exitCode}`, killed.stderr).toBe("SIGKILL null");

      const expectSound = async (): Promise<ListDocument> => {
        const listed = await run(["backup", "list", "--json"]);
        const document = listed.json<ListDocument>();
        expect([document.damaged, document.missing, document.chain]).toEqual([[], [], []]);
        expect(listed.exitCode).toBe(0);
        const verified = await run(["verify", "--all"]);
        expect(verified.exitCode, verified.stdout).toBe(0);
        return document;
      };
      await expectSound();
      const next = await run(["backup"]);
      expect(next.exitCode, next.stderr).toBe(0);
      expect((await expectSound()).backups.map(({ id }) => id)).toContain(next.stdout.trim());
      expect((await run(["prune"])).exitCode).toBe(0);
      expect((await expectSound()).backups.length).toBeLessThanOrEqual(3);
      expect((await run(["prune"])).exitCode).toBe(0);
      expect(readdirSync(join(vault, ".vault", "trash"))).toEqual([]);
      expect((await run(["restore", "latest", "--to", folder.join("proof")])).exitCode).toBe(0);
      expect(readBank(folder.join("proof", "synthorg.db")).last).toBe(5);
    },
  );
});

/** So many records of what is gone are taken in by one. */
const MANY = 32;

describe.each(STORED_FORMS)("kill -9 while records are taken in, %s", (_name, form) => {
  const nursery = temporaryFolder();
  const grown = makeWorkspace(nursery.path, { form });

  beforeAll(async () => {
    setCount(grown.config, 1);
    // Each takes away the one before it, and deletes for good the one before that: one more closes the last of the records.
    for (let turn = 0; turn < MANY + 1; turn += 1) await holdfast(["--config", grown.config, "backup"]);
  }, 300_000);
  afterAll(() => nursery[Symbol.dispose]());

  it.each([
    ["backup", "records-summarized"],
    ["backup", "record-swept"],
    ["prune", "records-summarized"],
    ["prune", "record-swept"],
  ] as const)("of %s at %s: no number is missing, and the next commands go on", async (command, point) => {
    using folder = temporaryFolder();
    const { config, vault } = copyWorkspace(grown, folder.path);
    const run = (args: readonly string[], env = {}) => holdfast(["--config", config, ...args], { env });
    const records = (): number => readdirSync(join(vault, ".vault", "records")).filter((name) => name.endsWith(".json")).length;
    const before = records();
    expect(before).toBeGreaterThanOrEqual(MANY);
    const killed = await run([command], { HOLDFAST_CRASHPOINT: point });
    expect(`${killed.signal} ${killed.exitCode}`, killed.stderr).toBe("SIGKILL null");
    expect(records()).toBeGreaterThan(0);
    for (const next of [["backup"], ["prune"], ["backup"]]) {
      const listed = (await run(["backup", "list", "--json"])).json<ListDocument>();
      expect([listed.damaged, listed.missing, listed.chain]).toEqual([[], [], []]);
      expect((await run(next)).exitCode).toBe(0);
    }
    expect((await run(["verify", "--all"])).exitCode).toBe(0);
    expect(records()).toBeLessThan(before);
  });
});
