import { describe, expect, it } from "vitest";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument, type StatusDocument } from "../support/instance.ts";
import { holder } from "../support/source-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** What the command waits for a lock; the tests wait with it, all at once. Milliseconds. */
const BUSY = 30_000;

// Half a minute each, in which nobody has come to the form.
describe.each(["tar.gz", "repository"] as const)("a database that is locked exclusively, %s", (form) => {
  it("fails its component after the busy limit by its importance, and works when the lock goes in time", { timeout: 120_000 }, async () => {
    using forGood = temporaryFolder();
    using forAWhile = temporaryFolder();
    using inTree = temporaryFolder();
    for (const folder of [forGood, forAWhile, inTree]) {
      const bank = createBank(folder.join("bank.db"), "delete");
      for (let n = 0; n < 5; n += 1) moveMoney(bank);
      bank.close();
    }
    const lock = 'db.exec("BEGIN EXCLUSIVE; UPDATE account SET balance = 0")';
    await using held = new AsyncDisposableStack();
    held.use(await holder(forGood.join("bank.db"), lock));
    // Lets go by itself, while the backup waits.
    held.use(await holder(forAWhile.join("bank.db"), `${lock}; setTimeout(() => db.exec("ROLLBACK"), 4000)`));
    held.use(await holder(inTree.join("bank.db"), lock));

    const begun = performance.now();
    const critical = makeInstance(forGood.path, "  persistence: { path: bank.db }\n  config: { path: holdfast.yaml }", { form });
    const waiting = makeInstance(forAWhile.path, "  persistence: { path: bank.db }", { form });
    const high = makeInstance(inTree.path, "  memory: { path: ., exclude: [/.holdfast, /backups] }\n  config: { path: holdfast.yaml }", {
      form,
    });
    const [failed, succeeded, partial] = await Promise.all([critical, waiting, high].map((instance) => instance.run("backup", "--json")));
    if (failed === undefined || succeeded === undefined || partial === undefined) throw new Error("Three were started");

    expect(failureOf(failed, 1)).toMatchObject({ code: "DATABASE_LOCKED", hint: expect.stringContaining("which process holds") as string });
    expect(performance.now() - begun).toBeGreaterThan(BUSY - 1000);
    expect(documentOf<{ backups: unknown[] }>(await critical.run("backup", "list", "--json"), 0).backups).toEqual([]);
    expect(documentOf<StatusDocument>(await critical.run("status", "--json"), 4).safe).toBe(false);

    expect(documentOf<BackupDocument>(succeeded, 0).status).toBe("complete");
    expect((await waiting.run("restore", "latest", "--to", forAWhile.join("out"))).exitCode).toBe(0);
    expect(readBank(forAWhile.join("out", "bank.db")).last).toBe(5);

    expect(documentOf<BackupDocument>(partial, 3).not_captured).toEqual([
      { name: "memory", code: "DATABASE_LOCKED", reason: expect.stringContaining("stayed locked") as string },
    ]);
  });
});
