import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { backupHead } from "../../../test/support/backup-head.ts";
import { endpoint, type Endpoint } from "../../../test/support/endpoint.ts";
import { fakeInstance, fakeVault, FAKE_NOW, NO_RETENTION } from "../../../test/support/fake-vault.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import type { NotifyConfig } from "../../config/index.ts";
import { DamageError, HostError } from "../../kernel/index.ts";
import { openLedger } from "../../ledger/index.ts";
import type { BackupHead, Listing, VerifiedMark } from "../../vault/index.ts";
import type { Instance } from "../instance.ts";
import { tellDamage } from "./damage.ts";
import { conditionWatch, watchConditions } from "./watch-conditions.ts";

const HOUR = 3_600_000;
const verdict = (ok: boolean): VerifiedMark => ({
  at: "2026-03-15T11:00:00.000Z",
  holdfast_version: "0.1.0",
  manifest_sha256: "0".repeat(64),
  entries: 1,
  bytes: 1,
  ok,
  ...(ok ? {} : { problem: "a byte is wrong" }),
});
const BACKUP = { path: "/vault", compression: true, include: ["db"], ...NO_RETENTION };

function instanceAt(
  stateDir: string,
  server: Endpoint,
  {
    listing = {},
    on = ["overdue", "starving", "damage"],
    now = FAKE_NOW,
  }: { listing?: Partial<Listing> | Error; on?: NotifyConfig["on"]; now?: number },
): Instance {
  const vault = async (): Promise<ReturnType<typeof fakeVault>> => {
    if (listing instanceof Error) throw listing;
    return fakeVault(listing);
  };
  const notify: NotifyConfig[] = [{ url: server.url, style: "webhook", headers: {}, on, timeout: 20_000 }];
  return { ...fakeInstance(vault, { stateDir, notify, backup: BACKUP }), clock: { now: () => now } };
}

const told = ({ asked }: Endpoint): string[] =>
  asked.map((one) => {
    const { event, state, subject } = one.json();
    return `${String(event)} ${String(state)} ${String(subject)}`;
  });
const db = (minute: number, marks: BackupHead["marks"] = {}): BackupHead => backupHead({ minute, components: { db: {} }, marks });

describe("watchConditions()", () => {
  it("tells once that a component is overdue, and once that it is no more, also across restarts", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const later = FAKE_NOW + 12 * HOUR;
    for (const now of [FAKE_NOW, later, later, later + HOUR])
      expect(await watchConditions(instanceAt(folder.path, server, { listing: { backups: [db(1)] }, now }))).toEqual([]);
    expect(told(server)).toEqual(["overdue begin db"]);
    expect(server.asked[0]?.json()["message"]).toContain("hours old, and one is due every 6");
    for (let n = 0; n < 2; n += 1)
      await watchConditions(instanceAt(folder.path, server, { listing: { backups: [db(800), db(1)] }, now: later }));
    expect(told(server)).toEqual(["overdue begin db", "overdue end db"]);
  });

  it("tells of damaged backups and of a vault that contradicts itself in one notification, and of each change after that", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const bad = { verified: verdict(false) };
    const first = { backups: [db(600, bad), db(500, bad), db(400)], missing: [3] };
    for (let n = 0; n < 2; n += 1) await watchConditions(instanceAt(folder.path, server, { listing: first, on: ["damage"] }));
    await watchConditions(instanceAt(folder.path, server, { listing: { backups: [db(600, bad), db(400)] }, on: ["damage"] }));
    await watchConditions(
      instanceAt(folder.path, server, { listing: { backups: [db(600, { verified: verdict(true) }), db(400)] }, on: ["damage"] }),
    );
    const [newer, older] = ["2026-03-15T10-00-00_manual", "2026-03-15T08-20-00_manual"];
    expect(told(server)).toEqual([`damage begin ${newer}, ${older}, vault`, `damage end ${older}, vault`, `damage end ${newer}`]);
    expect(server.asked[0]?.json()).toMatchObject({ details: { subjects: [newer, older, "vault"], count: 3 } });
  });

  it("tells that a task starves, and that it has run", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const instance = instanceAt(folder.path, server, {});
    const ledger = openLedger(folder.path, () => {});
    try {
      ledger.ensureTasks(["backup"], FAKE_NOW);
      ledger.defer(
        "backup",
        { reasonCode: "x", reason: "held by dream", blockingTask: "dream", holdingOwner: null, holdingPid: null },
        "k",
        FAKE_NOW,
      );
      expect(await watchConditions(instance)).toEqual([]);
      expect(told(server)).toEqual([]);
      ledger.setStarving("backup");
      for (let n = 0; n < 2; n += 1) await watchConditions(instance);
      ledger.closeStreak("backup", FAKE_NOW);
      for (let n = 0; n < 2; n += 1) await watchConditions(instance);
    } finally {
      ledger[Symbol.dispose]();
    }
    expect(told(server)).toEqual(["starving begin backup", "starving end backup"]);
  });

  it("takes a vault that cannot be trusted for damage, and one that cannot be looked at for a problem and no end of anything", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const damaged = new DamageError("VAULT_DAMAGED", "vault.json cannot be read");
    for (let n = 0; n < 2; n += 1) expect(await watchConditions(instanceAt(folder.path, server, { listing: damaged }))).toEqual([]);
    const away = new HostError("FILE_SYSTEM", "The disk is not mounted");
    expect(await watchConditions(instanceAt(folder.path, server, { listing: away }))).toEqual(["The disk is not mounted"]);
    expect(told(server)).toEqual(["damage begin vault"]);
  });

  it("looks at nothing where nobody asked, and begins with what is when somebody does", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const listing = { backups: [db(1)], missing: [7] };
    expect(await watchConditions(instanceAt(folder.path, server, { listing: new Error("looked"), on: ["success"] }))).toEqual([]);
    await watchConditions(instanceAt(folder.path, server, { listing, on: ["damage"], now: FAKE_NOW + 13 * HOUR }));
    await watchConditions(instanceAt(folder.path, server, { listing, on: ["damage", "overdue"], now: FAKE_NOW + 13 * HOUR }));
    expect(told(server)).toEqual(["damage begin vault", "overdue begin db"]);
  });

  it("tells again when what it told is not readable any more, and says so once", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const instance = instanceAt(folder.path, server, { listing: { missing: [7] } });
    await watchConditions(instance);
    writeFileSync(folder.join("notify", "conditions.json"), '{"lasting":');
    expect(await watchConditions(instance)).toEqual([expect.stringContaining("cannot be read, so that it is told again")]);
    expect(await watchConditions(instance)).toEqual([]);
    expect(told(server)).toEqual(["damage begin vault", "damage begin vault"]);
  });

  it("tells once also where it cannot be written down", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    mkdirSync(folder.join("notify", "conditions.json", "x"), { recursive: true });
    const instance = instanceAt(folder.path, server, { listing: { missing: [7] } });
    expect(await watchConditions(instance)).not.toEqual([]);
    await watchConditions(instance);
    expect(told(server)).toEqual(["damage begin vault"]);
    rmSync(folder.join("notify", "conditions.json"), { recursive: true });
  });
});

describe("tellDamage()", () => {
  it("tells of a verdict that turned bad, once, and leaves what was not read alone", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const instance = instanceAt(folder.path, server, { on: ["damage"] });
    const bad = { results: [{ id: "a", problem: "torn" }], vault: [] };
    for (let n = 0; n < 2; n += 1) expect(await tellDamage(instance, bad)).toEqual([]);
    await tellDamage(instance, { results: [{ id: "b", problem: null }], vault: [] });
    expect(told(server)).toEqual(["damage begin a"]);
    await tellDamage(instance, { results: [{ id: "a", problem: null }], vault: [] });
    expect(told(server)).toEqual(["damage begin a", "damage end a"]);
  });
});

describe("conditionWatch()", () => {
  it("looks once however often it is asked within a minute, and says what is wrong", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const said: string[] = [];
    const done = new Promise<void>((resolve) => {
      const watch = conditionWatch(
        instanceAt(folder.path, server, { listing: new HostError("FILE_SYSTEM", "Not mounted") }),
        (level, text) => {
          said.push(`${level} ${text}`);
          resolve();
        },
      );
      for (let n = 0; n < 5; n += 1) watch.tick();
    });
    await done;
    expect(said).toEqual(["warn Notifications: Not mounted"]);
  });
});
