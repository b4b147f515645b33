import { copyFileSync, existsSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asUser } from "./as-user.ts";
import { createBank, moveMoney, readBank } from "./bank.ts";
import { mountTmpfs } from "./mount-tmpfs.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { writerProcess } from "./writer-process.ts";

// What other tests lean on: were one of these toothless, many tests would pass on nothing.

describe("temporaryFolder()", () => {
  it("is private and gone at the end of the scope", () => {
    let path = "";
    {
      using folder = temporaryFolder();
      path = folder.path;
      expect(statSync(path).mode & 0o777).toBe(0o700);
      writeFileSync(folder.join("a"), "a");
    }
    expect(existsSync(path)).toBe(false);
  });
});

describe("writerProcess()", () => {
  it.each(["wal", "delete"] as const)("commits numbered transactions in %s mode until it is stopped", async (mode) => {
    using folder = temporaryFolder();
    const path = folder.join("bank.db");
    await using writer = await writerProcess(path, { mode, tps: 0 });
    await writer.waitFor(20);
    const last = await writer.stop();
    expect(readBank(path).last).toBe(last);
    expect(last).toBeGreaterThanOrEqual(20);
  });

  it("leaves what it committed in the write-ahead log when it is killed", async () => {
    using folder = temporaryFolder();
    const path = folder.join("bank.db");
    await using writer = await writerProcess(path, { tps: 0 });
    await writer.waitFor(20);
    const last = await writer.kill();
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    expect(readBank(path).last).toBeGreaterThanOrEqual(last);
  });

  it("fails when its database cannot be opened", async () => {
    using folder = temporaryFolder();
    await expect(writerProcess(folder.join("no-such-folder", "bank.db"))).rejects.toThrow("The writer ended at 0");
  });
});

describe("readBank()", () => {
  it("refuses a database whose write-ahead log was left behind", () => {
    using folder = temporaryFolder();
    const database = createBank(folder.join("bank.db"));
    for (let count = 0; count < 50; count += 1) moveMoney(database);
    copyFileSync(folder.join("bank.db"), folder.join("copy.db"));
    expect(() => readBank(folder.join("copy.db"))).toThrow("no such table");
    database.close();
    expect(readBank(folder.join("bank.db")).last).toBe(50);
  });

  it.each([
    ["UPDATE account SET balance = balance + 1 WHERE name = 'left'", "the accounts hold 1000001"],
    ["DELETE FROM log WHERE number = 2", "2 log rows, numbered up to 3"],
    ["UPDATE log SET moved = moved + 1 WHERE number = 1", "the log moved"],
  ])("refuses a state that no transaction left: %s", (damage, problem) => {
    using folder = temporaryFolder();
    const database = createBank(folder.join("bank.db"), "delete");
    for (let count = 0; count < 3; count += 1) moveMoney(database);
    database.exec(damage);
    database.close();
    expect(() => readBank(folder.join("bank.db"))).toThrow(problem);
  });
});

describe("mountTmpfs()", () => {
  it("gives a file system that fills up", (context) => {
    using mount = mountTmpfs(65_536, context);
    expect(statfsSync(mount.path).blocks * statfsSync(mount.path).bsize).toBe(65_536);
    expect(() => writeFileSync(`${mount.path}/big`, Buffer.alloc(100_000))).toThrow("ENOSPC");
  });
});

describe("asUser()", () => {
  it.skipIf(process.getuid?.() !== 0)("runs as that account, with none of root's rights", async () => {
    using folder = temporaryFolder();
    const { stdout, exitCode } = await asUser(54_321, ["id", "-u"], { cwd: "/" });
    expect({ stdout, exitCode }).toEqual({ stdout: "54321\n", exitCode: 0 });
    expect((await asUser(54_321, ["ls", folder.path], { cwd: "/" })).exitCode).not.toBe(0);
  });
});
