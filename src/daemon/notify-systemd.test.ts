import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { isRunning, identityOfProcess } from "../kernel/index.ts";
import { looksAlive, notifySystemd } from "./notify-systemd.ts";

describe("notifySystemd()", () => {
  it("takes what systemd passed out of the environment", async () => {
    const env = { NOTIFY_SOCKET: "", WATCHDOG_USEC: "1000", WATCHDOG_PID: "1", PATH: "/nowhere" };
    await using systemd = notifySystemd(env, () => {});
    systemd.stopping();
    expect(env).toEqual({ PATH: "/nowhere" });
  });

  it("says once that systemd-notify is not there, and asks for it no more", async () => {
    const said: string[] = [];
    {
      await using systemd = notifySystemd({ NOTIFY_SOCKET: "/nowhere/notify", PATH: "/nowhere" }, (level, text) =>
        said.push(`${level} ${text}`),
      );
      systemd.starting();
      systemd.ready("Watching");
      systemd.stopping();
    }
    expect(said).toEqual([
      expect.stringMatching(
        /^warn Cannot tell systemd "STATUS=Starting.*": systemd-notify is not installed, and a unit of Type=notify needs it\.$/,
      ),
    ]);
  });

  it("does not wait at its end for a systemd that hears nothing, and leaves no process behind", async () => {
    using folder = temporaryFolder();
    const [program, pid] = [folder.join("systemd-notify"), folder.join("pid")];
    writeFileSync(program, `#!/bin/sh\necho $$ > ${pid}.part; mv ${pid}.part ${pid}; exec sleep 1000\n`);
    chmodSync(program, 0o755);
    const said: string[] = [];
    const env = { NOTIFY_SOCKET: folder.join("notify"), PATH: `${folder.path}:${process.env["PATH"] ?? ""}` };
    {
      await using systemd = notifySystemd(env, (_, text) => said.push(text));
      systemd.starting();
      systemd.stopping();
      await expect.poll(() => existsSync(pid), { interval: 5, timeout: 30_000 }).toBe(true);
      expect(isRunning(identityOfProcess(Number(readFileSync(pid, "utf8"))))).toBe(true);
    }
    expect(existsSync(`/proc/${readFileSync(pid, "utf8").trim()}`)).toBe(false);
    expect(said).toEqual([expect.stringMatching(/^Cannot tell systemd "STATUS=/)]);
  });

  it("says nothing where no systemd listens", async () => {
    const said: string[] = [];
    {
      await using systemd = notifySystemd({ PATH: "/nowhere" }, (_, text) => said.push(text));
      systemd.starting();
      systemd.ready("Watching");
    }
    expect(said).toEqual([]);
  });
});

describe("looksAlive()", () => {
  it.each([
    [0, true],
    [3000, true],
    [63_000, true],
    [63_001, false],
  ])("with a look begun %d ms ago, one every 3 s and a watchdog of 2 min: %s", (since, alive) => {
    expect(looksAlive(since, 3000, 120_000)).toBe(alive);
  });
});
