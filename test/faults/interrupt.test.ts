import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { moveMoney, createBank } from "../support/bank.ts";
import { CHECKOUT, LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument, type Instance, type StatusDocument } from "../support/instance.ts";
import { runProgram, type ProgramResult } from "../support/run-program.ts";
import { packsIn, STORED_FORMS, type StoredFormName } from "../support/stored-forms.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** So much that there is a lot left when the first words of progress come: a repository stores 60 MB in half a second. */
function sizeOf(form: StoredFormName): number {
  return form === "repository" ? 300_000_000 : 60_000_000;
}

function big(folder: string, form: StoredFormName): Instance {
  mkdirSync(join(folder, "memory"));
  // A form tells of a file when it is stored; a plain copy is so fast that there has to be much left of it then.
  const [files, times] = form === "directory" ? [16, 4] : form === "repository" ? [200, 1] : [4, 1];
  for (let n = 0; n < files; n += 1) writeFileSync(join(folder, "memory", `${n}.bin`), randomBytes((sizeOf(form) / files) * times));
  const bank = createBank(join(folder, "bank.db"));
  moveMoney(bank);
  bank.close();
  return makeInstance(folder, "  persistence: { path: bank.db }\n  memory: { path: memory }", { form });
}

/** Starts a backup in a process group of its own, as a terminal does, and signals it once it has read that many bytes. */
async function interrupted({ config }: Instance, signal: NodeJS.Signals, bytes: number, whom: "group" | "process"): Promise<ProgramResult> {
  let pid = 0;
  let sent = false;
  let output = "";
  return await runProgram(["setsid", process.execPath, LAUNCHER, "--config", config, "backup", "--json", "--progress"], {
    cwd: CHECKOUT,
    onStart: (started) => (pid = started),
    onOutput: (text) => {
      output += text;
      const read = Math.max(0, ...[...output.matchAll(/"phase":"capture".*"bytes":(\d+)/g)].map(([, number]) => Number(number)));
      if (sent || read <= bytes) return;
      sent = true;
      process.kill(whom === "group" ? -pid : pid, signal);
    },
  });
}

/** Of backups, and of what is half-made. */
function namesIn(vault: string): string[] {
  return readdirSync(vault).filter((name) => ![".vault", "keys", "packs"].includes(name));
}

describe.each(STORED_FORMS)("a signal in the middle of a big backup, %s", (_name, form) => {
  it.each([
    ["SIGINT", "group", 1_000_000],
    ["SIGTERM", "process", 15_000_000],
  ] as const)("%s to the %s after %i bytes: exit 130, nothing listed, and the next one works", async (signal, whom, bytes) => {
    using folder = temporaryFolder();
    const instance = big(folder.path, form);
    const stopped = await interrupted(instance, signal, bytes, whom);
    expect(stopped.signal).toBeNull();
    expect(stopped.exitCode, stopped.stdout.slice(-1000)).toBe(130);
    expect(stopped.stderr).toBe("");
    const lines = stopped.jsonLines<{ event?: string; error?: { code: string; message: string } }>();
    expect(lines.filter(({ event }) => event !== "progress")).toEqual([
      { event: "begin", id: expect.stringMatching(/_manual$/) as string },
      {
        schema: "holdfast.error/1",
        error: expect.objectContaining({ code: "INTERRUPTED", message: `Stopped by ${signal}; nothing half-made is left` }) as unknown,
      },
    ]);
    // What it says is true.
    expect(namesIn(instance.vault)).toEqual([]);
    const list = documentOf<{ backups: unknown[]; unfinished: unknown[]; missing: unknown[] }>(
      await instance.run("backup", "list", "--json"),
      0,
    );
    expect([list.backups, list.unfinished, list.missing]).toEqual([[], [], []]);
    expect(documentOf<StatusDocument>(await instance.run("status", "--json"), 4).safe).toBe(false);
    const next = documentOf<BackupDocument>(await instance.run("backup", "--json"), 0);
    expect(namesIn(instance.vault)).toHaveLength(1);
    expect((await instance.run("verify", next.id)).exitCode).toBe(0);
    if (form !== "repository") return;
    // What the one that was stopped had stored went with the retention of the next one.
    expect(packsIn(instance.vault).reduce((sum, pack) => sum + pack.bytes, 0)).toBeLessThan(sizeOf(form) * 1.05);
  });
});

describe("two backups at once", () => {
  it("the second exits 5 with LEASE_HELD and names the first; with --wait it succeeds after it", async () => {
    using folder = temporaryFolder();
    execFileSync("mkfifo", [folder.join("gate"), folder.join("begun")]);
    // Begun: written when the command starts. Gate: the command ends when somebody has written to it.
    writeFileSync(folder.join("dump.sh"), `#!/bin/sh\necho begun > "${folder.join("begun")}"\ncat "${folder.join("gate")}"\n`, {
      mode: 0o755,
    });
    writeFileSync(folder.join("main.txt"), "main");
    const slow = makeInstance(folder.path, "  main: { path: main.txt }\n  dump: { command: [./dump.sh], as: dump.txt }");
    const first = slow.run("backup", "--component", "dump", "--json");
    // Opening a pipe to read waits for its writer.
    await runProgram(["cat", folder.join("begun")]);

    const refused = failureOf(await slow.run("backup", "--component", "main", "--json"), 5);
    expect(refused).toMatchObject({
      code: "LEASE_HELD",
      message: expect.stringMatching(/^The heavy-maintenance lease is held by backup, pid \d+, since .* \(capture dump/) as string,
    });
    const told = await slow.run("backup", "--component", "main");
    expect([told.exitCode, told.stdout]).toEqual([5, ""]);
    // Who only looks is not kept out.
    expect((await slow.run("backup", "list")).exitCode).toBe(0);
    expect(documentOf<StatusDocument>(await slow.run("status", "--json"), 4).problems).toEqual([]);

    const impatient = failureOf(await slow.run("backup", "--component", "main", "--wait", "200ms", "--json"), 5);
    expect(impatient.code).toBe("LEASE_HELD");
    // Its first line comes before it waits.
    let pid: number | undefined;
    const stop = (): void => {
      if (pid !== undefined) process.kill(pid, "SIGTERM");
      pid = undefined;
    };
    const how = { onStart: (started: number) => (pid = started), onOutput: stop };
    const stopped = await slow.runWith(how, "backup", "--component", "main", "--wait", "60s", "--json", "--progress");
    expect(stopped.exitCode).toBe(130);
    expect(stopped.jsonLines().at(-1)).toMatchObject({
      error: { code: "INTERRUPTED", message: "Stopped by SIGTERM; nothing half-made is left" },
    });
    const second = slow.run("backup", "--component", "main", "--wait", "60s", "--json");
    closeSync(openGate(folder.join("gate")));
    const [one, other] = [documentOf<BackupDocument>(await first, 0), documentOf<BackupDocument>(await second, 0)];
    expect(one.components.map(({ name }) => name)).toEqual(["dump", "holdfast"]);
    expect(other.components.map(({ name }) => name)).toEqual(["main", "holdfast"]);
    expect(documentOf<{ backups: unknown[] }>(await slow.run("backup", "list", "--json"), 0).backups).toHaveLength(2);
    expect((await slow.run("verify", "--all")).exitCode).toBe(0);
    // Being deferred is no failed run.
    expect(readFileSync(folder.join(".holdfast", "last-run.json"), "utf8")).toContain('"ok": true');
  });
});

function openGate(path: string): number {
  return openSync(path, "w");
}
