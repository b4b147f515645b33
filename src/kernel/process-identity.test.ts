import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { bootId, identityOfProcess, isRunning, lookAtProcess, pidNamespace, thisProcess } from "./process-identity.ts";

describe("isRunning()", () => {
  it("is for one process of one boot, and no other with its number", () => {
    const me = thisProcess();
    expect(me).toEqual({ pid: process.pid, boot_id: bootId(), start: expect.stringMatching(/^\d+$/) });
    expect(isRunning(me)).toBe(true);
    expect(isRunning({ ...me, start: String(Number(me.start) + 1) })).toBe(false);
    expect(isRunning({ ...me, boot_id: "of another kernel" })).toBe(false);
    expect(isRunning({ ...me, start: "" })).toBe(false);
  });

  it("ends with the process, also when nobody waits for it and its number stays", async () => {
    // Becomes a program that never waits for the child that it has.
    const parent = spawn("sh", ["-c", "exec 3<&0; sh -c 'echo $$; read -r _ <&3' & exec sleep 600 3<&- <&-"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [first] = (await once(parent.stdout, "data")) as [Buffer];
    const child = identityOfProcess(Number(String(first)));
    expect(isRunning(child)).toBe(true);
    parent.stdin.end();
    await expect.poll(() => isRunning(child)).toBe(false);
    expect(lookAtProcess(child.pid)).toMatchObject({ pid: child.pid, start: child.start, ended: true });
    expect(() => process.kill(child.pid, 0)).not.toThrow();
    const closed = once(parent, "close");
    parent.kill("SIGKILL");
    await closed;
  });

  it("is false for a number that nobody has", async () => {
    const child = spawn("true");
    const { pid = 0 } = child;
    await once(child, "close");
    expect(lookAtProcess(pid)).toBeUndefined();
    expect(identityOfProcess(pid)).toMatchObject({ pid, start: "" });
    expect(isRunning(identityOfProcess(pid))).toBe(false);
  });
});

describe("lookAtProcess()", () => {
  it.each([["a name"], ["(x) R 1 1"], [") S 99 99 99"]])("is not led astray by a program that is called %j", async (name) => {
    using folder = temporaryFolder();
    copyFileSync("/bin/sleep", folder.join(name));
    const child = spawn(folder.join(name), ["600"], { detached: true });
    await once(child, "spawn");
    const { pid = 0 } = child;
    await expect.poll(() => lookAtProcess(pid)?.group).toBe(pid);
    const found = lookAtProcess(pid);
    expect(found).toMatchObject({ pid, group: pid, ended: false, start: expect.stringMatching(/^\d+$/) });
    expect(Number(found?.start)).toBeGreaterThanOrEqual(Number(thisProcess().start));
    child.kill("SIGKILL");
    await once(child, "close");
  });

  it("counts processor time, which grows with work", () => {
    const before = lookAtProcess(process.pid)?.ticks ?? 0;
    let ticks = before;
    while (ticks <= before) ticks = lookAtProcess(process.pid)?.ticks ?? 0;
    expect(ticks).toBeGreaterThan(before);
  });
});

describe("pidNamespace()", () => {
  it("names the namespace of this process", () => {
    expect(pidNamespace()).toMatch(/^pid:\[\d+\]$/);
  });
});
