import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fakeInstance, fakeVault } from "../../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { BusyError } from "../../kernel/index.ts";
import { openLedger } from "../../ledger/index.ts";
import type { Lease } from "../../lease/index.ts";
import type { Instance } from "../instance.ts";
import { shutdown } from "./shutdown.ts";
import { startup } from "./startup.ts";

interface Stage extends Disposable {
  readonly instance: Instance;
  /** Commands that were run. */
  readonly asked: (readonly string[])[];
  readonly logged: readonly string[];
  readonly log: (level: string, message: string) => void;
  journal(phase: string, starting: boolean): void;
  hold(owner: string, reason: string): Promise<Lease>;
}

/** Every backup is refused, as somebody holds the lease. */
function stage(startupWait: number, onStartup = true): Stage {
  const folder = temporaryFolder();
  const made = fakeInstance(fakeVault({}), { stateDir: folder.path });
  const asked: (readonly string[])[] = [];
  const logged: string[] = [];
  const { config } = made;
  const instance: Instance = {
    ...made,
    config: { ...config, backup: { ...config.backup, onStartup }, orchestrator: { ...config.orchestrator, startupWait } },
    runEngine: async ({ args }) => {
      asked.push(args);
      throw new BusyError("LEASE_HELD", "The lease is held");
    },
  };
  const at = folder.join("restore");
  return {
    instance,
    asked,
    logged,
    log: (level, message) => void logged.push(`${level} ${message}`),
    journal: (phase, starting) => {
      mkdirSync(at);
      const journal = { version: "1", id: "r1", kind: "restore", backup: "b1", phase, starting, towards: "new" };
      writeFileSync(`${at}/journal.json`, JSON.stringify({ ...journal, beside: [], moves: [], folders: [], others: [] }));
    },
    hold: async (owner, reason) => {
      const answer = await instance.openLease().acquire({ owner, reason });
      if (answer.outcome === "held") throw new Error("Nobody else can have it");
      return answer.lease;
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const HOUR = 3_600_000;
const RESTORING = { outcome: "deferred", error: { code: "RESTORE_RUNNING" } };

describe("startup() beside a restore that runs", () => {
  // With an hour to wait, a test that ended has waited for nothing.
  it.each([
    ["that starts the runtime on what it put in place", "swapped", true],
    ["that starts the runtime again, since nothing was replaced", "stopping", true],
    ["that has put everything back, and starts the runtime again", null, false],
  ] as const)("%s: waits for nothing, takes nothing, and a backup is due", async (_which, phase, starting) => {
    using one = stage(HOUR);
    if (phase !== null) one.journal(phase, starting);
    await using _ = await one.hold("restore", "restore of latest");
    expect(await startup(one.instance, { log: one.log })).toMatchObject(RESTORING);
    expect(one.asked).toEqual([]);
    expect(one.logged.join("\n")).toMatch(/^warn No startup backup was taken: RESTORE_RUNNING: /);
    using ledger = openLedger(one.instance.config.stateDir, () => {});
    expect(ledger.tasks()).toMatchObject([{ name: "backup", askedAt: one.instance.clock.now() }]);
  });

  it("says nothing of a backup that is off", async () => {
    using one = stage(HOUR, false);
    one.journal("swapped", true);
    await using _ = await one.hold("restore", "undo");
    expect(await startup(one.instance, { log: one.log })).toEqual({ outcome: "off" });
    expect(one.logged).toEqual([]);
  });

  it.each([
    ["between the renames", "swapping", false, "restore of latest"],
    ["on its way back from a runtime that was not healthy", "swapped", false, "restore of latest"],
    ["which somebody settles, as it was cut off while it started the runtime", "swapped", true, "settlement"],
  ] as const)("%s: waits as for any holder, with one startup_wait for everything", async (_where, phase, starting, reason) => {
    using one = stage(30);
    one.journal(phase, starting);
    await using _ = await one.hold("restore", reason);
    expect(await startup(one.instance, { log: one.log })).toMatchObject({ outcome: "deferred", error: { code: "LEASE_HELD" } });
    expect(one.logged[0]).toMatch(/^error A restore that was cut off is not settled: .*held by restore/);
    // It has waited for the settlement, so that nothing is left to wait for the backup.
    expect(one.asked).toEqual([["backup", "create", "--trigger", "startup"]]);
  });

  it("of the same process, which has not the lease yet: leaves the lease to it", async () => {
    using one = stage(HOUR);
    expect(await startup(one.instance, { log: one.log, restoring: true })).toMatchObject(RESTORING);
    expect(one.asked).toEqual([]);
  });
});

describe("shutdown() beside a restore that runs", () => {
  it("waits for nothing: the restore may have stopped the runtime, and waits for its end", async () => {
    using one = stage(HOUR);
    one.journal("stopping", false);
    await using _ = await one.hold("restore", "restore of latest");
    const giveUp = new AbortController().signal;
    expect(await shutdown(one.instance, { log: one.log, budget: null, giveUp })).toMatchObject(RESTORING);
    expect(one.asked).toEqual([]);
  });

  it("waits for a settlement as for any other holder", async () => {
    using one = stage(HOUR);
    await using _ = await one.hold("restore", "settlement");
    await shutdown(one.instance, { log: one.log, budget: 1000, giveUp: new AbortController().signal });
    expect(one.asked).toHaveLength(1);
  });
});
