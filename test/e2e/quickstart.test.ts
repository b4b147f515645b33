import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CHECKOUT } from "../support/holdfast.ts";
import { runProgram, type ProgramResult } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function quickstart(folder: string, env: Readonly<Record<string, string>> = {}): Promise<ProgramResult> {
  return await runProgram([process.execPath, join(CHECKOUT, "scripts/quickstart.ts"), folder], {
    env: { NO_COLOR: undefined, HOLDFAST_CONFIG: undefined, ...env },
  });
}

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`No line matches ${String(pattern)} in:\n${text}`);
  return Number(found);
}

describe("npm run quickstart", () => {
  it("ends with a restored database that holds every transaction committed before the backup began", async () => {
    using temporary = temporaryFolder();
    const folder = temporary.join("quickstart");
    const result = await quickstart(folder);
    expect(result).toMatchObject({ exitCode: 0 });
    const { stdout } = result;

    const before = numberIn(stdout, /Committed before the backup began: (\d+)/);
    const after = numberIn(stdout, /When it had ended: (\d+)/);
    const restored = numberIn(stdout, /the journal has rows 1 to (\d+) without a gap/);
    const inTheEnd = numberIn(stdout, /the orchestrator never stopped: it has committed (\d+)/);
    expect(before).toBeGreaterThan(100);
    expect(after).toBeGreaterThan(before);
    expect(restored).toBeGreaterThanOrEqual(before);
    expect(inTheEnd).toBeGreaterThan(restored);
    expect(stdout).toContain("ok  integrity_check of the restored database says ok");
    expect(stdout).toContain("ok  the notes and the configuration are the same, byte by byte");

    // Every command was shown as it is typed, and all of them ran.
    const typed = [...stdout.matchAll(/^\$ holdfast (\S+(?: list)?)/gm)].map((match) => match[1]);
    expect(typed).toEqual([
      "protect",
      "backup",
      "backup list",
      "verify",
      "ls",
      "cat",
      "diff",
      "restore",
      "restore",
      "restore",
      "restore",
      "restore",
    ]);
    expect(stdout).toContain("ok  the orchestrator was stopped once by its command (1), started again, and commits");
    expect(stdout).toMatch(/ok {2}\d+ tasks, \d+ notes, JSON that parses; the journal is whole up to \d+/);
    expect(stdout).toMatch(/ok {2}the damaged state is there again/);
    expect(stdout).toContain("ok  and the good one once more");
    expect(stdout).toMatch(/Found today\./);
    expect(stdout).toMatch(/memory\/scout\/new-harbour\.md/);
    expect(stdout).not.toContain("\u001B[");
    expect(readdirSync(temporary.join("quickstart", "backups")).filter((name) => name.endsWith(".backup"))).toHaveLength(4);
    expect(readdirSync(temporary.join("quickstart", "keys")).toSorted()).toEqual(["agent.key", "agent.recovery.txt"]);
  }, 120_000);

  it("makes the folder of an earlier run anew, and refuses one that is somebody else's", async () => {
    using temporary = temporaryFolder();
    const folder = temporary.join("mine");
    mkdirSync(folder);
    writeFileSync(join(folder, "precious.txt"), "keep me");
    const refused = await quickstart(folder);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("was not made by an earlier quickstart");
    expect(readdirSync(folder)).toEqual(["precious.txt"]);

    const own = temporary.join("own");
    const stopped = await quickstart(own, { HOLDFAST_CRASHPOINT: "backup-claimed" });
    expect(stopped.exitCode).toBe(1);
    writeFileSync(join(own, "left-by-the-first-run"), "");
    await quickstart(own, { HOLDFAST_CRASHPOINT: "backup-claimed" });
    expect(existsSync(join(own, "left-by-the-first-run"))).toBe(false);
    expect(existsSync(join(own, "agent", "company.yaml"))).toBe(true);
  });

  it("stops at the first command that fails, says which one, and ends the orchestrator", async () => {
    using temporary = temporaryFolder();
    const { exitCode, stdout, stderr } = await quickstart(temporary.join("quickstart"), { HOLDFAST_CRASHPOINT: "backup-committed" });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('failed  "holdfast protect . --vault ../backups --key-file ../keys/agent.key" ended with SIGKILL');
    expect(stdout.match(/^\$ /gm)).toHaveLength(1);
    expect(stdout).not.toContain("ok  every transaction");
    const pid = numberIn(stdout, /Process (\d+) commits to data\/agent\.db/);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});
