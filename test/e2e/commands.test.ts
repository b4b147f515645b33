import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { STORED_FORMS } from "../support/stored-forms.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const SECRET = "hunter2-Tr0ub4dor";
const LARGE = 100 * 1024 * 1024;

function script(folder: TemporaryFolder, name: string, body: string): void {
  writeFileSync(folder.join(name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

/** Everything that a run left: both outputs and every file that Holdfast wrote. */
function everythingIn(folder: TemporaryFolder): string {
  const files = [".holdfast", "backups"].filter((name) => existsSync(folder.join(name)));
  return files
    .flatMap((top) =>
      readdirSync(folder.join(top), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, "latin1")),
    )
    .join("\n");
}

/** One that has ended and that nobody has asked for its exit code is still there, and is no process any more. */
function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

describe("a command component", () => {
  it("that fails shows no secret anywhere: not of its arguments, not of what it said, in text, JSON, status, or a file", async () => {
    using folder = temporaryFolder();
    script(
      folder,
      "dump.sh",
      `echo "connecting to postgres://agent:${SECRET}@db/agent with --password $2" >&2; echo "PGPASSWORD=${SECRET}" >&2; exit 7`,
    );
    writeFileSync(folder.join("main.txt"), "main");
    const command = `command: [./dump.sh, --password, ${SECRET}], as: dump.sql`;
    const critical = makeInstance(folder.path, `  main: { path: main.txt }\n  dump: { ${command} }`);
    const failed = await critical.run("backup", "--json");
    expect(failureOf(failed, 1)).toMatchObject({
      code: "COMMAND_FAILED",
      message: expect.stringContaining("ended with exit code 7: connecting to postgres://***@db/agent") as string,
    });
    const told = await critical.run("backup");
    expect(told.exitCode).toBe(1);
    expect(told.stderr).toContain("exit code 7");
    const status = [await critical.run("status"), await critical.run("status", "--json")];
    expect(status.map(({ exitCode }) => exitCode)).toEqual([4, 4]);
    expect(everythingIn(folder)).toContain("COMMAND_FAILED");
    for (const text of [
      failed.stdout,
      told.stdout + told.stderr,
      ...status.map(({ stdout, stderr }) => stdout + stderr),
      everythingIn(folder),
    ]) {
      expect(text).not.toContain(SECRET);
    }

    const high = makeInstance(folder.path, `  main: { path: main.txt }\n  dump: { ${command}, importance: high }`, { compression: false });
    const partial = await high.run("backup", "--json");
    expect(documentOf<BackupDocument>(partial, 3).not_captured).toEqual([
      { name: "dump", code: "COMMAND_FAILED", reason: expect.stringContaining("exit code 7") as string },
    ]);
    const shown = await high.run("backup", "show", "latest");
    expect(partial.stdout + shown.stdout).not.toContain(SECRET);
    // The backup carries the configuration as it is: there, and there only, the arguments stand.
    const written = everythingIn(folder).replaceAll(`--password, ${SECRET}`, "");
    expect(written).not.toContain(SECRET);
  });

  it("that hangs is stopped at its deadline with everything it started; one that cannot be started says so", async () => {
    using folder = temporaryFolder();
    script(
      folder,
      "hang.sh",
      `echo $$ >> "${folder.join("pids")}"\nsleep 600 &\necho $! >> "${folder.join("pids")}"\necho some output\nwait`,
    );
    writeFileSync(folder.join("main.txt"), "main");
    const { run } = makeInstance(
      folder.path,
      "  main: { path: main.txt }\n  dump: { command: [./hang.sh], as: dump.txt, timeout: 1s }\n  gone: { command: [./gone.sh], as: gone.txt, importance: high }",
    );
    expect(failureOf(await run("backup", "--component", "dump", "--json"), 1)).toMatchObject({
      code: "COMMAND_FAILED",
      message: expect.stringContaining("did not end within 1s") as string,
    });
    const pids = readFileSync(folder.join("pids"), "utf8").trim().split("\n").map(Number);
    expect(pids).toHaveLength(2);
    expect(pids.filter(isRunning)).toEqual([]);
    const gone = documentOf<BackupDocument>(await run("backup", "--component", "main", "--component", "gone", "--json"), 3);
    expect(gone.not_captured).toEqual([
      { name: "gone", code: "COMMAND_FAILED", reason: expect.stringContaining("cannot be started") as string },
    ]);
    expect(readdirSync(folder.join("backups")).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it.each(STORED_FORMS)("that prints 100 MB is stored whole, in little memory (%s)", async (_name, form) => {
    using folder = temporaryFolder();
    const { run, runWith } = makeInstance(
      folder.path,
      `  dump: { command: [sh, -c, "yes 'one line of a large dump' | head -c ${LARGE}"], as: dump.txt }`,
      { form },
    );
    // The old generation of the engine's heap; buffers that pile up outside of it are counted by the kernel.
    const taken = documentOf<BackupDocument>(await runWith({ nodeFlags: ["--max-old-space-size=64"] }, "backup", "--json"), 0);
    expect(taken.components[0]).toMatchObject({ name: "dump", good: true, bytes: LARGE });
    expect((await run("verify")).exitCode).toBe(0);
    expect((await run("restore", "latest", "--to", folder.join("out"), "--component", "dump")).exitCode).toBe(0);
    const pattern = Buffer.from("one line of a large dump\n");
    const expected = Buffer.alloc(LARGE, pattern);
    const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    expect(sha256(readFileSync(folder.join("out", "dump", "dump.txt")))).toBe(sha256(expected));
  });

  it("that prints part of its output and then fails leaves nothing of it in the backup", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "main");
    for (const compression of [true, false]) {
      const { run } = makeInstance(
        folder.path,
        '  main: { path: main.txt }\n  dump: { command: [sh, -c, "yes | head -c 5000000; exit 3"], as: dump.txt, importance: high }',
        { compression },
      );
      const taken = documentOf<BackupDocument>(await run("backup", "--json"), 3);
      expect(taken.components.map(({ name }) => name)).toEqual(["main", "holdfast"]);
      expect((await run("verify", taken.id)).exitCode).toBe(0);
      expect((await run("ls", taken.id, "--recursive")).stdout).not.toContain("dump");
    }
  });
});
