import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument, type StatusDocument } from "../support/instance.ts";
import { shiftedClock } from "../support/shifted-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROOT = process.getuid?.() === 0;
const OWNER = 65_534;
const STRANGER = 54_321;

function bankOf(path: string, rows: number, mode: "wal" | "delete" = "wal"): void {
  const bank = createBank(path, mode);
  for (let n = 0; n < rows; n += 1) moveMoney(bank);
  bank.close();
}

function overwrite(path: string, position: number, bytes: Uint8Array): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, position);
  closeSync(descriptor);
}

describe("a database that is corrupt", () => {
  it("is captured, marked suspect and alarmed with exit 3; status names the newest good backup, and a restore says what is wrong", async () => {
    using folder = temporaryFolder();
    const { run, runWith } = makeInstance(folder.path, "  persistence: { path: bank.db }");
    bankOf(folder.join("bank.db"), 200, "delete");
    const good = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    overwrite(folder.join("bank.db"), 3 * 4096, randomBytes(4096));

    // quick_check runs once a day at most: the page is looked at when the day is over.
    const options = shiftedClock(folder.path, 25 * 3_600_000);
    const taken = documentOf<BackupDocument>(await runWith(options, "backup", "--json"), 3);
    expect(taken.components).toContainEqual(expect.objectContaining({ name: "persistence", good: false }));
    expect(taken.alarms).toEqual([
      expect.stringMatching(/^persistence: the database is damaged \(.+\); this copy is kept, marked suspect$/),
    ]);
    const told = await runWith(options, "backup");
    expect(told.exitCode).toBe(3);
    expect(told.stderr).toContain("ALARM persistence: the database is damaged");

    const status = documentOf<StatusDocument>(await run("status", "--json"), 4);
    expect(status.components).toEqual([
      expect.objectContaining({ name: "persistence", safe: false, problem: `the database is damaged; newest good is ${good.id}` }),
    ]);
    const restored = documentOf<{ databases: { complaint: string | null }[] }>(
      await run("restore", taken.id, "--to", folder.join("suspect"), "--json"),
      4,
    );
    expect(restored.databases).toMatchObject([{ path: "bank.db", complaint: expect.stringContaining("integrity_check") as string }]);
    expect((await run("restore", good.id, "--to", folder.join("good"))).exitCode).toBe(0);
    expect(readBank(folder.join("good", "bank.db")).last).toBe(200);
  });
});

describe("what should be a database and is none", () => {
  const CASES: readonly (readonly [what: string, damage: (path: string) => void, message: RegExp])[] = [
    [
      "is encrypted: no header, and a -wal beside it",
      (path) => {
        writeFileSync(path, randomBytes(8192));
        writeFileSync(`${path}-wal`, randomBytes(4096));
      },
      /encrypted or damaged|was a database/,
    ],
    ["has zero bytes", (path) => writeFileSync(path, ""), /is empty, and an empty file is no database/],
    [
      "has its header overwritten since the last backup",
      (path) => overwrite(path, 0, Buffer.alloc(16)),
      /was a database in the newest good backup/,
    ],
  ];

  it.each(CASES)(
    "that %s fails its component loudly, alone and in a folder; the newest good backup is untouched",
    async (_what, damage, message) => {
      using folder = temporaryFolder();
      mkdirSync(folder.join("folder"));
      const { run, vault } = makeInstance(
        folder.path,
        "  persistence: { path: bank.db }\n  memory: { path: folder, importance: high }\n  config: { path: holdfast.yaml }",
      );
      bankOf(folder.join("bank.db"), 20);
      bankOf(folder.join("folder", "index.db"), 20);
      const good = documentOf<BackupDocument>(await run("backup", "--json"), 0);

      damage(folder.join("folder", "index.db"));
      const partial = documentOf<BackupDocument>(await run("backup", "--json"), 3);
      expect(partial.not_captured).toEqual([
        { name: "memory", code: "DATABASE_DAMAGED", reason: expect.stringMatching(message) as string },
      ]);
      expect(partial.alarms).toEqual([expect.stringMatching(/^memory: /)]);

      damage(folder.join("bank.db"));
      const failure = failureOf(await run("backup", "--json"), 1);
      expect(failure).toMatchObject({ code: "DATABASE_DAMAGED", message: expect.stringMatching(message) as string });
      expect(failure.hint).toContain("Restore it from an older backup");
      expect(readdirSync(vault).filter((name) => !name.startsWith("."))).toHaveLength(2);
      expect(documentOf<StatusDocument>(await run("status", "--json"), 4).safe).toBe(false);
      expect((await run("restore", good.id, "--to", folder.join("out"))).exitCode).toBe(0);
      expect(readBank(folder.join("out", "bank.db")).last).toBe(20);
    },
  );

  it("fails in the first backup of all as well, when it is declared or named as one", async () => {
    using folder = temporaryFolder();
    const { run, vault } = makeInstance(folder.path, "  persistence: { path: new.db }");
    for (const damage of [
      () => writeFileSync(folder.join("new.db"), ""),
      () => {
        writeFileSync(folder.join("new.db"), randomBytes(4096));
        writeFileSync(folder.join("new.db-wal"), randomBytes(4096));
      },
    ]) {
      damage();
      expect(failureOf(await run("backup", "--json"), 1).code).toBe("DATABASE_DAMAGED");
      expect(existsSync(vault) ? readdirSync(vault).filter((name) => !name.startsWith(".")) : []).toEqual([]);
    }
  });
});

describe("a hard-linked database", () => {
  it("is read under the name that its log lies beside, with the rows that are in the log only", async () => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, "  persistence: { path: alias.db }\n  memory: { path: tree }");
    mkdirSync(folder.join("tree", "deeper"), { recursive: true });
    for (const [first, alias] of [
      [folder.join("bank.db"), folder.join("alias.db")],
      [folder.join("tree", "z-used.db"), folder.join("tree", "deeper", "alias.db")],
    ] as const) {
      const setUp = createBank(first);
      setUp.close();
      linkSync(first, alias);
    }
    using used = createBank(folder.join("bank.db"));
    using inTree = createBank(folder.join("tree", "z-used.db"));
    for (const database of [used, inTree]) {
      database.exec("PRAGMA wal_autocheckpoint = 0");
      for (let n = 0; n < 50; n += 1) moveMoney(database);
    }
    const taken = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(taken.warnings).toEqual([]);
    expect((await run("restore", "latest", "--to", folder.join("out"))).exitCode).toBe(0);
    for (const path of [["alias.db"], ["memory", "z-used.db"], ["memory", "deeper", "alias.db"]]) {
      expect(readBank(folder.join("out", ...path)).last, path.join("/")).toBe(50);
    }
    const [one, other] = [
      statSync(folder.join("out", "memory", "z-used.db")),
      statSync(folder.join("out", "memory", "deeper", "alias.db")),
    ];
    expect(one.ino).toBe(other.ino);
  });
});

describe("a cold database in WAL mode", () => {
  it("is read without leaving a sidecar beside it, by every command that reads the live state", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("data", "tree"), { recursive: true });
    const { run } = makeInstance(folder.path, "  persistence: { path: data/bank.db }\n  memory: { path: data/tree }");
    bankOf(folder.join("data", "bank.db"), 20);
    bankOf(folder.join("data", "tree", "index.sqlite"), 20);
    const before = [folder.join("data"), folder.join("data", "tree")].map((path) => readdirSync(path));
    expect(before).toEqual([["bank.db", "tree"], ["index.sqlite"]]);
    const stats = statSync(folder.join("data", "bank.db"), { bigint: true });
    for (const command of [["backup", "--dry-run"], ["backup"], ["diff", "latest"], ["verify"], ["status"]]) {
      expect((await run(...command)).exitCode, command.join(" ")).toBe(0);
      expect(
        [folder.join("data"), folder.join("data", "tree")].map((path) => readdirSync(path)),
        command.join(" "),
      ).toEqual(before);
    }
    const after = statSync(folder.join("data", "bank.db"), { bigint: true });
    expect([after.mtimeNs, after.ctimeNs, after.ino]).toEqual([stats.mtimeNs, stats.ctimeNs, stats.ino]);
    expect((await run("restore", "latest", "--to", folder.join("out"))).exitCode).toBe(0);
    expect(readBank(folder.join("out", "bank.db")).last).toBe(20);
  });
});

describe.skipIf(!ROOT)("a database of another user", () => {
  /** Committed by its owner, who has it open and keeps the rows in the log. */
  async function heldBank(folder: string): Promise<AsyncDisposable & { write(): Promise<void> }> {
    const code = `
      const { DatabaseSync } = require("node:sqlite");
      const db = new DatabaseSync("bank.db", { timeout: 5000 });
      db.exec("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; CREATE TABLE IF NOT EXISTS t (n INTEGER)");
      const write = () => { db.exec("INSERT INTO t SELECT count(*) + 1 FROM t"); console.log("written"); };
      write();
      process.stdin.on("data", write);`;
    const child = spawn(
      "setpriv",
      [
        `--reuid=${OWNER}`,
        `--regid=${OWNER}`,
        "--clear-groups",
        "--",
        process.execPath,
        "--disable-warning=ExperimentalWarning",
        "-e",
        code,
      ],
      {
        cwd: folder,
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    await once(child.stdout, "data");
    return {
      write: async () => {
        const written = once(child.stdout, "data");
        child.stdin.write("again\n");
        await written;
      },
      [Symbol.asyncDispose]: async () => {
        child.kill("SIGKILL");
        await once(child, "close");
      },
    };
  }

  const owners = (folder: string): Record<string, number> =>
    Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).uid]));

  it("is captured by root; its sidecars stay its owner's, who goes on writing", async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    mkdirSync(folder.join("data"));
    execFileSync("chown", [String(OWNER), folder.join("data")]);
    const { run } = makeInstance(folder.path, "  persistence: { path: data/bank.db }");
    await using bank = await heldBank(folder.join("data"));
    const before = owners(folder.join("data"));
    expect(before).toEqual({ "bank.db": OWNER, "bank.db-shm": OWNER, "bank.db-wal": OWNER });
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(owners(folder.join("data"))).toEqual(before);
    await bank.write();
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect((await run("restore", "latest", "--to", folder.join("out"))).exitCode).toBe(0);
    expect(statSync(folder.join("out", "bank.db")).uid).toBe(OWNER);
    using restored = new DatabaseSync(folder.join("out", "bank.db"));
    expect(restored.prepare("SELECT count(*) AS rows FROM t").get()).toEqual({ rows: 2 });
  });

  it("is refused to a stranger, who is told which account to use; nothing is left beside it, and its owner goes on writing", async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o777);
    mkdirSync(folder.join("data"));
    execFileSync("chown", [String(OWNER), folder.join("data")]);
    chmodSync(folder.join("data"), 0o755);
    const { config } = makeInstance(folder.path, "  persistence: { path: data/bank.db }");
    await using bank = await heldBank(folder.join("data"));
    const before = owners(folder.join("data"));
    const refused = failureOf(
      await asUser(STRANGER, [process.execPath, LAUNCHER, "--config", config, "backup", "--json"], {
        cwd: "/",
        env: { HOME: "/nonexistent" },
      }),
      1,
    );
    expect(refused.code).toBe("COMPONENT_UNREADABLE");
    expect(refused.hint).toMatch(/Run Holdfast as "(nobody|uid 65534)", which owns the database, or as root/);
    expect(owners(folder.join("data"))).toEqual(before);
    await bank.write();

    chmodSync(folder.join("data", "bank.db"), 0o600);
    const unreadable = failureOf(
      await asUser(STRANGER, [process.execPath, LAUNCHER, "--config", config, "backup", "--json"], { cwd: "/" }),
      1,
    );
    expect(unreadable.code).toBe("COMPONENT_UNREADABLE");
    expect(readFileSync(folder.join(".holdfast", "last-run.json"), "utf8")).toContain("COMPONENT_UNREADABLE");
  });
});
