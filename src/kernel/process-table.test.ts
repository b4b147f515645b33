import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { processesOfGroup, processesWithOpenFiles, processesWithVariable } from "./process-table.ts";

/** A process that has begun to be what it is: a shell that says so, and waits for its input to end. */
async function waiting(
  env: NodeJS.ProcessEnv,
  options: { readonly group?: boolean; readonly script?: string } = {},
): Promise<ChildProcess> {
  const child = spawn("sh", ["-c", options.script ?? "echo begun; read -r _"], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["pipe", "pipe", "inherit"],
    detached: options.group === true,
  });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.stdin?.end();
  await closed;
}

describe("processesWithVariable()", () => {
  it("finds by how the value begins, and by nothing else", async () => {
    const one = await waiting({ HOLDFAST_TEST: "abc-123", OTHER: "x" });
    const two = await waiting({ OTHER: "HOLDFAST_TEST=abc-123", XHOLDFAST_TEST: "abc-123" });
    expect(processesWithVariable("HOLDFAST_TEST", "abc-")).toEqual([one.pid]);
    expect(processesWithVariable("HOLDFAST_TEST", "abc-123\0")).toEqual([one.pid]);
    expect(processesWithVariable("HOLDFAST_TEST", "abc-12\0")).toEqual([]);
    expect(processesWithVariable("HOLDFAST_TEST", "bc-")).toEqual([]);
    await Promise.all([end(one), end(two)]);
    expect(processesWithVariable("HOLDFAST_TEST", "abc-")).toEqual([]);
  });

  it("finds a variable that is the first of all", async () => {
    const only = spawn("env", ["-i", "HOLDFAST_FIRST=yes", "sh", "-c", "echo begun; read -r _"], { stdio: ["pipe", "pipe", "inherit"] });
    await once(only.stdout, "data");
    expect(processesWithVariable("HOLDFAST_FIRST", "yes")).toEqual([only.pid]);
    await end(only);
  });
});

describe("processesOfGroup()", () => {
  it("finds who is left of a group when its leader has ended", async () => {
    const leader = await waiting({}, { group: true, script: "sleep 600 & echo begun; exit 0" });
    const group = leader.pid ?? 0;
    if (leader.exitCode === null) await once(leader, "exit");
    const left = processesOfGroup(group);
    expect(left.map((found) => found.group)).toEqual([group]);
    expect(left.map(({ pid }) => pid)).not.toContain(group);
    const closed = once(leader, "close");
    process.kill(-group, "SIGKILL");
    await closed;
    await expect.poll(() => processesOfGroup(group)).toEqual([]);
  });
});

describe("processesWithOpenFiles()", () => {
  it("finds such a file below a folder, also moved within it or removed, and none beside it", () => {
    using folder = temporaryFolder();
    using beside = temporaryFolder(`${folder.path.split("/").at(-1)}-`);
    writeFileSync(folder.join("beacon-1"), "");
    const descriptor = openSync(folder.join("beacon-1"), "r");
    const pattern = /\/beacon-\d+(?: \(deleted\))?$/;
    expect(processesWithOpenFiles(folder.path, pattern)).toEqual([process.pid]);
    expect(processesWithOpenFiles(folder.path, /\/other$/)).toEqual([]);
    expect(processesWithOpenFiles(beside.path, pattern)).toEqual([]);
    expect(processesWithOpenFiles(folder.path.slice(0, -1), pattern)).toEqual([]);
    renameSync(folder.join("beacon-1"), folder.join("beacon-2"));
    expect(processesWithOpenFiles(folder.path, /\/beacon-2$/)).toEqual([process.pid]);
    rmSync(folder.join("beacon-2"));
    expect(processesWithOpenFiles(folder.path, pattern)).toEqual([process.pid]);
    closeSync(descriptor);
    expect(processesWithOpenFiles(folder.path, pattern)).toEqual([]);
  });
});
