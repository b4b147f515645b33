import { describe, expect, it } from "vitest";
import { backupHead, type HeadSpec } from "../../test/support/backup-head.ts";
import { fakeInstance, NO_RETENTION, fakeVault } from "../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import type { ComponentConfig } from "../config/index.ts";
import { DamageError, NotFoundError } from "../kernel/index.ts";
import type { BackupHead, Listing, VerifiedMark } from "../vault/index.ts";
import { recordRun } from "./last-run.ts";
import { status, type Status } from "./status.ts";

function component(name: string, importance?: ComponentConfig["importance"]): ComponentConfig {
  return {
    name,
    path: { literal: `/srv/${name}` },
    command: null,
    kind: undefined,
    importance,
    exclude: [],
    include: [],
    excludeLarger: undefined,
    excludeCaches: true,
    oneFileSystem: false,
    optional: false,
    group: undefined,
    pause: undefined,
    read: "staged",
    position: { file: "holdfast.yaml", line: 1, column: 1 },
  };
}

const verdict = (ok: boolean): VerifiedMark => ({
  at: "2026-03-15T11:00:00.000Z",
  holdfast_version: "0.1.0",
  manifest_sha256: "0".repeat(64),
  entries: 1,
  bytes: 1,
  ok,
  ...(ok ? {} : { problem: "a byte is wrong" }),
});

/** Newest first, as a vault lists them. */
function heads(...specs: HeadSpec[]): BackupHead[] {
  return specs.map((spec, index) => backupHead({ minute: specs.length - index, ...spec }));
}

interface Case {
  readonly components?: readonly ComponentConfig[];
  readonly include?: readonly string[];
  readonly lastRunOk?: boolean;
  readonly listing?: Partial<Listing>;
}

async function statusOf(
  backups: readonly BackupHead[],
  { components = [component("db", "critical")], include = components.map(({ name }) => name), lastRunOk, listing = {} }: Case = {},
): Promise<Status> {
  using folder = temporaryFolder();
  if (lastRunOk !== undefined)
    recordRun(folder.path, {
      at: "2026-03-15T11:30:00Z",
      trigger: "scheduled",
      ok: lastRunOk,
      id: null,
      code: lastRunOk ? null : "COMPONENT_MISSING",
      message: lastRunOk ? null : "It is not there",
    });
  const vault = fakeVault({ backups, ...listing });
  const instance = fakeInstance(vault, {
    stateDir: folder.path,
    components,
    backup: { ...NO_RETENTION, path: "/vault", compression: true, include },
  });
  const report = await status(instance);
  expect(vault.disposed).toBe(1);
  return report;
}

describe("status()", () => {
  it("is safe when the newest backup of every critical component is good", async () => {
    const backups = heads({ components: { db: {} } }, { components: { db: {} }, marks: { verified: verdict(true) } });
    const report = await statusOf(backups);
    expect(report).toMatchObject({
      instance: "acme",
      vault: "/vault",
      backups: 2,
      newest: backups[0]?.id,
      safe: true,
      failedRun: null,
      problems: [],
    });
    expect(report.components).toEqual([
      {
        name: "db",
        importance: "critical",
        captured: backups[0]?.id,
        capturedAt: "2026-03-15T00:02:00Z",
        verified: backups[1]?.id,
        verifiedAt: "2026-03-15T11:00:00.000Z",
        overdue: false,
        safe: true,
        problem: null,
      },
    ]);
  });

  it("is judged by critical components, and where none is critical by all", async () => {
    const backups = heads({ components: { db: {}, notes: { whole: false } } });
    const safe = async (...components: ComponentConfig[]): Promise<boolean> => (await statusOf(backups, { components })).safe;
    expect(await safe(component("db", "critical"), component("notes", "high"))).toBe(true);
    expect(await safe(component("db", "critical"), component("notes", "critical"))).toBe(false);
    expect(await safe(component("db", "high"), component("notes", "medium"))).toBe(false);
    expect(await safe(component("db", "medium"))).toBe(true);
  });

  it.each([
    ["there is no backup", [], "never backed up"],
    ["the only one is suspect", [{ components: { db: { suspect: true } } }], "the database is damaged; there is no good backup"],
    [
      "the newest is suspect",
      [{ components: { db: { suspect: true } } }, { components: { db: {} } }],
      /^the database is damaged; newest good is 2026-03-15T00-01/,
    ],
    [
      "the newest is not whole",
      [{ components: { db: { whole: false } } }, { components: { db: {} } }],
      /^not whole in the newest backup; newest good is/,
    ],
    [
      "the newest could not capture it",
      [
        { components: { other: {} }, notCaptured: { db: { importance: "critical", code: "X", reason: "it was locked" } } },
        { components: { db: {} } },
      ],
      /^it was locked; newest good is/,
    ],
    [
      "the newest did not read back",
      [{ components: { db: {} }, marks: { verified: verdict(false) } }, { components: { db: {} } }],
      /^damaged: a byte is wrong; newest good is/,
    ],
    [
      "the only one did not read back",
      [{ components: { db: {} }, marks: { verified: verdict(false) } }],
      "damaged: a byte is wrong; there is no good backup",
    ],
  ] as const)("is not safe when %s", async (_what, specs, problem) => {
    const report = await statusOf(heads(...(specs as readonly HeadSpec[])));
    expect(report.safe).toBe(false);
    expect(report.components[0]).toMatchObject({
      safe: false,
      problem: problem instanceof RegExp ? expect.stringMatching(problem) : problem,
    });
  });

  it("is not safe when the newest run failed, however good the backups are", async () => {
    const report = await statusOf(heads({ components: { db: {} } }), { lastRunOk: false });
    expect(report).toMatchObject({ safe: false, failedRun: { code: "COMPONENT_MISSING", message: "It is not there" } });
    expect((await statusOf(heads({ components: { db: {} } }), { lastRunOk: true })).safe).toBe(true);
  });

  it("what was kept of a broken state before a restore says nothing about how backups go", async () => {
    const salvaged = { trigger: "pre-restore" as const, components: { db: { suspect: true } } };
    const report = await statusOf(heads(salvaged, { components: { db: {} } }), { components: [component("db", "critical")] });
    expect(report.components[0]).toMatchObject({ safe: true, captured: "2026-03-15T00-01-00_manual" });
    expect(report.safe).toBe(true);
  });

  it("a backup of other components says nothing about this one", async () => {
    const report = await statusOf(heads({ components: { config: {} } }, { components: { db: {}, config: {} } }), {
      components: [component("db", "critical"), component("config")],
    });
    expect(report.components.map(({ safe, captured }) => [safe, captured])).toEqual([
      [true, "2026-03-15T00-01-00_manual"],
      [true, "2026-03-15T00-02-00_manual"],
    ]);
    expect(report.safe).toBe(true);
  });

  it("a component that is not critical may be unsafe, and one of unknown importance may not", async () => {
    const backups = heads({ components: { db: {} }, notCaptured: { logs: { importance: "medium", code: "X", reason: "gone" } } });
    expect(await statusOf(backups, { components: [component("db", "critical"), component("logs", "medium")] })).toMatchObject({
      safe: true,
      components: [{ safe: true }, { safe: false, problem: "gone; there is no good backup" }],
    });
    // Declared since the last backup, and nobody has looked yet whether it is a database or a folder.
    expect(await statusOf(backups, { components: [component("db", "critical"), component("new")] })).toMatchObject({
      safe: false,
      components: [{}, { name: "new", importance: null, problem: "never backed up" }],
    });
  });

  it("takes the importance of a component that declares none from where it was captured", async () => {
    const backups = heads({ components: { db: {}, notes: { importance: "high", whole: false } } });
    expect(await statusOf(backups, { components: [component("notes"), component("db", "critical")] })).toMatchObject({
      safe: true,
      components: [{ importance: "high", safe: false }, {}],
    });
  });

  it("asks only about what the configuration backs up", async () => {
    const report = await statusOf(heads({ components: { db: {} } }), {
      components: [component("db", "critical"), component("cache", "critical")],
      include: ["db"],
    });
    expect(report.components.map(({ name }) => name)).toEqual(["db"]);
    expect(report.safe).toBe(true);
  });

  it("tells everything in the vault that should not be there", async () => {
    const listing = {
      damaged: [{ name: "2026-03-14T00-00-00_manual", problem: "no manifest" }],
      missing: [3],
      chain: ["the chain breaks at 4"],
      unfinished: [".draft-1"],
      foreign: ["notes.txt"],
    };
    expect((await statusOf(heads({ components: { db: {} } }), { listing })).problems).toEqual([
      "2026-03-14T00-00-00_manual: no manifest",
      "backup number 3 is gone, and no removal record names it",
      "the chain breaks at 4",
      ".draft-1: unfinished work of a process that ended; never a backup",
      "notes.txt: not a backup; left alone",
    ]);
  });

  it("is not safe when a backup newer than the good one cannot be trusted, and safe again after the next", async () => {
    const damaged = [{ name: "2026-03-15T00-05-00_manual.tar.gz", problem: "it does not parse" }];
    const report = await statusOf(heads({ minute: 4, components: { db: {} } }), { listing: { damaged } });
    expect(report).toMatchObject({
      safe: false,
      components: [
        {
          safe: false,
          problem: "a newer backup cannot be trusted: 2026-03-15T00-05-00_manual.tar.gz; newest good is 2026-03-15T00-04-00_manual",
        },
      ],
    });
    expect(await statusOf(heads({ minute: 6, components: { db: {} } }), { listing: { damaged } })).toMatchObject({
      safe: true,
      components: [{ safe: true, problem: null }],
    });
  });

  it("says that a component is overdue also when something else is wrong with it, which is its problem then", async () => {
    const old = { minute: -24 * 60, sequence: 1, components: { db: {} } };
    const failed = {
      minute: 1,
      sequence: 2,
      components: {},
      notCaptured: { db: { code: "COMPONENT_MISSING", reason: "gone", importance: "critical" } },
    } as const;
    expect((await statusOf(heads(old))).components).toMatchObject([{ overdue: true, problem: expect.stringMatching(/^overdue/) }]);
    expect((await statusOf(heads(failed, old))).components).toMatchObject([
      { overdue: true, safe: false, problem: expect.stringMatching(/^gone; newest good is 2026-03-14/) },
    ]);
    expect((await statusOf(heads({ components: { db: {} } }))).components).toMatchObject([{ overdue: false }]);
  });

  it("is not safe when the newest backup was taken away by somebody, and safe again after the next", async () => {
    expect(await statusOf(heads({ minute: 4, components: { db: {} } }), { listing: { missing: [2, 5] } })).toMatchObject({
      safe: false,
      components: [{ safe: false, problem: "a newer backup is gone: number 5; newest good is 2026-03-15T00-04-00_manual" }],
    });
    expect(await statusOf(heads({ minute: 6, components: { db: {} } }), { listing: { missing: [2, 5] } })).toMatchObject({ safe: true });
  });

  it("goes by the backup that was taken last, also when the clock was set back before it, and says so", async () => {
    const ahead = { minute: 24 * 60, sequence: 1, components: { db: {} } };
    const last = { minute: 1, sequence: 2, components: { db: { suspect: true } } };
    const report = await statusOf(heads(ahead, last));
    expect(report).toMatchObject({ safe: false, problems: ["2026-03-16T00-00-00_manual: taken later than the clock says it is now"] });
    expect(report.components[0]?.problem).toBe("the database is damaged; newest good is 2026-03-16T00-00-00_manual");
  });

  it("says that nothing is safe where there is no vault yet, and fails where there is one that cannot be read", async () => {
    using folder = temporaryFolder();
    const config = {
      stateDir: folder.path,
      components: [component("db")],
      backup: { ...NO_RETENTION, path: "/vault", compression: true, include: ["db"] },
    };
    const none = fakeInstance(() => Promise.reject(new NotFoundError("BACKUP_NOT_FOUND", "There is no vault")), config);
    expect(await status(none)).toMatchObject({ backups: 0, newest: null, safe: false });
    const damaged = fakeInstance(() => Promise.reject(new DamageError("VAULT_DAMAGED", "The vault is damaged")), config);
    await expect(status(damaged)).rejects.toMatchObject({ code: "VAULT_DAMAGED" });
  });
});
