import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentOf, makeInstance, type Instance } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const STATE = "  state: { path: state.json }";

interface Taken {
  readonly id: string;
}

/** Triggers of what was taken, the oldest first. */
async function triggersOf(instance: Instance): Promise<readonly string[]> {
  const { backups } = documentOf<{ backups: readonly Taken[] }>(await instance.run("backup", "list", "--json"), 0);
  return backups.map(({ id }) => id.replace(/^.*_/, "").replace(/-\d+$/, "")).toReversed();
}

function makeState(folder: string, more = ""): Instance {
  const instance = makeInstance(folder, STATE, { more });
  writeFileSync(`${folder}/state.json`, '{"turn":1}\n');
  return instance;
}

/** A script holds the lease until it is told to let go. */
async function holdLease(instance: Instance): Promise<() => Promise<void>> {
  const at = (name: string): string => `${instance.folder}/${name}`;
  const script = `touch '${at("held")}'; while [ ! -e '${at("go")}' ]; do sleep 0.05; done`;
  const hold = instance.run("lease", "run", "--owner", "hog", "--", "sh", "-c", script);
  while (!existsSync(at("held"))) await new Promise((resolve) => setTimeout(resolve, 20));
  return async () => {
    writeFileSync(at("go"), "");
    expect((await hold).exitCode).toBe(0);
  };
}

describe("holdfast run", () => {
  it("protects a Python program: a backup before it starts and after it has stopped, with its last word in it", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path);
    const program = `
import json, os, sys
assert "HOLDFAST_LEASE" not in os.environ
json.dump({"turn": 2}, open(${JSON.stringify(folder.join("state.json"))}, "w"))
print("hello", sys.stdin.read())
sys.exit(9)`;
    const run = await instance.runWith({ input: "from outside" }, "run", "--", "python3", "-c", program);
    expect(run.exitCode, run.stderr).toBe(9);
    expect(run.stdout).toBe("hello from outside\n");
    expect(await triggersOf(instance)).toEqual(["startup", "shutdown"]);
    const last = await instance.run("cat", "latest", "state/state.json");
    expect(JSON.parse(last.stdout)).toEqual({ turn: 2 });
  });

  it("passes signals on, and gives back the exit code that the program chose", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path);
    let holdfast = 0;
    const run = await instance.runWith(
      {
        onStart: (pid) => (holdfast = pid),
        onOutput: (text) => {
          if (text.includes("ready")) process.kill(holdfast, "SIGTERM");
        },
      },
      "run",
      "--",
      "sh",
      "-c",
      "trap 'echo told; exit 4' TERM; echo ready; while :; do sleep 0.05; done",
    );
    expect(run.exitCode, run.stderr).toBe(4);
    expect(run.stdout).toBe("ready\ntold\n");
    expect(await triggersOf(instance)).toEqual(["startup", "shutdown"]);
  });

  it("starts the program also when no backup can be taken, and says so", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path);
    rmSync(folder.join("state.json"));
    const run = await instance.run("run", "--", "echo", "it runs");
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toBe("it runs\n");
    expect(run.stderr).toContain("No startup backup was taken: COMPONENT_MISSING");
    expect(run.stderr).toContain("No shutdown backup was taken: COMPONENT_MISSING");
  });

  it("waits for another holder of the lease as long as startup_wait, then starts the program, with an alarm", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path, "orchestrator: { startup_wait: 300ms }\n");
    const letGo = await holdLease(instance);
    const run = await instance.run("run", "--", "echo", "it runs");
    expect(run.stdout).toBe("it runs\n");
    expect(run.stderr).toMatch(/No startup backup was taken: LEASE_HELD: .* held by hog, pid \d+/);
    await letGo();
  });

  it("takes neither backup when it was told not to", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path);
    const config = readFileSync(instance.config, "utf8");
    writeFileSync(instance.config, config.replace("compression: true", "compression: true, on_startup: false, on_shutdown: false"));
    expect((await instance.run("run", "--", "true")).exitCode).toBe(0);
    expect(await triggersOf(instance)).toEqual([]);
  });
});

describe("holdfast migrate", () => {
  it("runs the migration after its backup, passes its exit code on, and says the way back when it fails", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path);
    const done = await instance.run("migrate", "--", "sh", "-c", "echo migrating; exit 3");
    expect(done.exitCode).toBe(3);
    expect(done.stdout).toBe("migrating\n");
    const taken = readdirSync(instance.vault).find((name) => name.endsWith(".tar.gz"));
    expect(taken).toMatch(/_pre-migration\.tar\.gz$/);
    expect(done.stderr).toContain(`the way back: holdfast restore ${taken?.replace(".tar.gz", "")}`);
  });

  it("does not run it when the backup failed, unless it is forced", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path);
    rmSync(folder.join("state.json"));
    const refused = await instance.run("migrate", "--", "touch", folder.join("migrated"));
    expect(refused.exitCode).toBe(1);
    expect(existsSync(folder.join("migrated"))).toBe(false);
    expect(refused.stderr).toContain("the migration was not run");
    const forced = await instance.run("migrate", "--force", "--", "touch", folder.join("migrated"));
    expect(forced.exitCode).toBe(0);
    expect(existsSync(folder.join("migrated"))).toBe(true);
  });

  it("does not run it while another holds the lease, and exits with 5", async () => {
    using folder = temporaryFolder();
    const instance = makeState(folder.path);
    const letGo = await holdLease(instance);
    const refused = await instance.run("migrate", "--wait", "100ms", "--", "touch", folder.join("migrated"));
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toContain("LEASE_HELD");
    expect(existsSync(folder.join("migrated"))).toBe(false);
    await letGo();
  });
});
