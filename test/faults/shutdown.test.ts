import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, makeInstance, type Instance } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MB = 1_000_000;

/** State that no compression makes small. */
function makeState(folder: string, megabytes: number): void {
  mkdirSync(`${folder}/data`);
  for (let n = 0; n < megabytes; n += 25) appendFileSync(`${folder}/data/${n}.bin`, randomBytes(25 * MB));
}

interface Ended {
  readonly exitCode: number | null;
  readonly killed: boolean;
  readonly stderr: string;
}

/** What a container's runtime does: TERM to the first process, and KILL to everything when the grace is over. */
async function stopLikeAContainer(
  instance: Instance,
  after: string,
  grace: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const ready = `${instance.folder}/ready`;
  const child = spawn(
    process.execPath,
    [LAUNCHER, "--config", instance.config, "run", "--", "sh", "-c", `trap 'exit 0' TERM; touch '${ready}'; while :; do sleep 0.05; done`],
    { stdio: ["ignore", "ignore", "pipe"], detached: true, env: { ...process.env, NO_COLOR: "1", ...env } },
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  while (!existsSync(after)) await sleep(20);
  process.kill(child.pid ?? 0, "SIGTERM");
  const over = new AbortController();
  const killed = sleep(grace, true, { signal: over.signal }).then(
    () => {
      process.kill(-(child.pid ?? 0), "SIGKILL");
      return true;
    },
    () => false,
  );
  const exitCode = await ended;
  over.abort();
  return { exitCode, killed: await killed, stderr };
}

interface Listed {
  readonly id: string;
}

async function expectSoundVault(instance: Instance): Promise<readonly string[]> {
  const { backups } = documentOf<{ backups: readonly Listed[] }>(await instance.run("backup", "list", "--json"), 0);
  if (backups.length > 0) documentOf(await instance.run("verify", "--all", "--json"), 0);
  // Whatever was cut off is neither listed nor in the way of the next one.
  documentOf(await instance.run("backup", "--json"), 0);
  expect(readdirSync(instance.vault).filter((name) => name.startsWith(".") && name !== ".vault")).toEqual([]);
  return backups.map(({ id }) => id);
}

describe.each([["tar.gz"], ["repository"]] as const)("holdfast run that is stopped like a container, %s", (form) => {
  it("TERM, then KILL after 10 s, with 500 MB of state: a complete shutdown backup, or the statement that there was no time", async () => {
    using folder = temporaryFolder();
    makeState(folder.path, 500);
    const instance = makeInstance(folder.path, "  data: { path: data }", { form });
    const end = await stopLikeAContainer(instance, folder.join("ready"), 10_000, { HOLDFAST_BACKUP__ON_STARTUP: "false" });
    const listed = await expectSoundVault(instance);
    const taken = listed.some((id) => id.endsWith("_shutdown"));
    expect(taken || end.stderr.includes("There was no time for the shutdown backup"), end.stderr).toBe(true);
    expect(end.killed, end.stderr).toBe(false);
    expect(end.exitCode).toBe(0);
  }, 120_000);

  it("TERM while the startup backup runs: nothing half-made is listed, and the program never starts", async () => {
    using folder = temporaryFolder();
    makeState(folder.path, 300);
    const instance = makeInstance(folder.path, "  data: { path: data }", { form });
    const end = await stopLikeAContainer(instance, instance.vault, 10_000);
    expect(end.killed, end.stderr).toBe(false);
    expect(existsSync(folder.join("ready"))).toBe(false);
    await expectSoundVault(instance);
  }, 120_000);
});
