import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createBank, moveMoney, readBank } from "../support/bank.ts";
import { endpoint } from "../support/endpoint.ts";
import { CHECKOUT, LAUNCHER } from "../support/holdfast.ts";
import { runProgram, type ProgramResult } from "../support/run-program.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

/** In place of the one that the guide says, which somebody may use here. */
const GUIDE_PORT = 20_000 + (process.pid % 20_000);
const GUIDES = join(CHECKOUT, "docs", "guides");

/** Every command of a guide's console blocks, in order, as a reader types them. */
function commandsOf(guide: string): readonly string[] {
  const text = readFileSync(join(GUIDES, `${guide}.md`), "utf8");
  const blocks = [...text.matchAll(/```console\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  return blocks.flatMap((block) => block.split("\n").flatMap((line) => (line.startsWith("$ ") ? [line.slice(2)] : [])));
}

/** A machine for a reader: the guides' absolute paths lie in a folder, `holdfast` and `systemctl` are on the path. */
function makeMachine(folder: TemporaryFolder): { place(path: string): string; follow(guide: string): Promise<ProgramResult> } {
  const bin = folder.join("bin");
  mkdirSync(bin);
  const script = (name: string, body: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  script("holdfast", `exec "${process.execPath}" "${LAUNCHER}" "$@"`);
  script("systemctl", `echo "$@" >> "${folder.join("systemctl.log")}"`);
  const place = (path: string): string => folder.join(path);
  return {
    place,
    follow: async (guide) => {
      const commands = commandsOf(guide);
      expect(commands.length).toBeGreaterThan(2);
      const typed = commands.map((command) =>
        command.replaceAll(/\/(srv|mnt)\//g, `${folder.path}/$1/`).replaceAll("7420", String(GUIDE_PORT)),
      );
      for (const part of ["srv", "mnt/backup"]) mkdirSync(folder.join(part), { recursive: true });
      const result = await runProgram(["sh", "-e", "-x", "-c", typed.join("\n")], {
        cwd: folder.path,
        env: {
          PATH: `${bin}:${process.env["PATH"] ?? ""}`,
          HOME: folder.join("home"),
          XDG_CONFIG_HOME: undefined,
          NO_COLOR: "1",
          HOLDFAST_CONFIG: undefined,
        },
      });
      expect(result.exitCode, `${guide}\n${result.stdout}\n${result.stderr}`).toBe(0);
      return result;
    },
  };
}

function makeAgent(folder: string): void {
  writeTree(folder, {
    "company.yaml": "name: Acme\n",
    "memory/notes/today.md": "# Today\n",
    "memory/notes/plan.md": "# Plan\n",
  });
  mkdirSync(join(folder, "data"), { recursive: true });
  const bank = createBank(join(folder, "data", "agent.db"));
  for (let n = 0; n < 7; n += 1) moveMoney(bank);
  bank.close();
}

describe("docs/guides", () => {
  it("are all followed by a test of their own", () => {
    const tested = readFileSync(import.meta.filename, "utf8");
    const guides = readdirSync(GUIDES).map((name) => name.replace(/\.md$/, ""));
    expect(guides.length).toBeGreaterThan(4);
    for (const guide of guides) expect(tested).toContain(`follow("${guide}")`);
  });

  it("daily-use: every command works, one file comes back", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    await follow("daily-use");
    expect(readFileSync(place("srv/agent/memory/notes/today.md"), "utf8")).toBe("# Today\n");
  });

  it("from-cron: the three lines are those of examples/agent.cron, and each exits with 0", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    writeFileSync(place("srv/agent/holdfast.yaml"), "components:\n  persistence: { path: data/agent.db }\nbackup: { path: backups }\n");
    await follow("from-cron");
    const example = readFileSync(join(CHECKOUT, "examples", "agent.cron"), "utf8");
    const guide = readFileSync(join(GUIDES, "from-cron.md"), "utf8");
    for (const line of /```cron\n([\s\S]*?)```/.exec(guide)?.[1]?.trim().split("\n") ?? ["no cron block"]) expect(example).toContain(line);
  });

  it("any-program: a program with a backup before and after it, and one before a migration", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    writeFileSync(place("srv/agent/start-agent"), "#!/bin/sh\necho agent\n");
    writeFileSync(place("srv/agent/upgrade.sh"), "#!/bin/sh\necho upgraded to $1\n");
    for (const name of ["start-agent", "upgrade.sh"]) chmodSync(place(`srv/agent/${name}`), 0o755);
    writeFileSync(place("srv/agent/holdfast.yaml"), "components:\n  persistence: { path: data/agent.db }\nbackup: { path: backups }\n");
    const { stdout } = await follow("any-program");
    expect(stdout).toContain("agent\n");
    expect(stdout).toContain("upgraded to 4");
    const triggers = readdirSync(place("srv/agent/backups")).flatMap((name) => /_([a-z-]+)\.tar\.gz$/.exec(name)?.[1] ?? []);
    expect(triggers.toSorted()).toEqual(["pre-migration", "shutdown", "startup"]);
  });

  it("http-api: a backup by curl, status and metrics", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    writeFileSync(
      place("srv/agent/holdfast.yaml"),
      `components:\n  persistence: { path: data/agent.db }\nbackup: { path: backups, on_startup: false, on_shutdown: false }\nserver: { listen: "127.0.0.1:${GUIDE_PORT}" }\n`,
    );
    const { stdout } = await follow("http-api");
    expect(stdout).toContain('"status":"complete"');
    expect(stdout).toContain("holdfast_");
    expect(readdirSync(place("srv/agent/backups")).some((name) => name.endsWith("_manual.tar.gz"))).toBe(true);
  });

  it("run-as-a-service: metrics in a file for a collector, without a daemon", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    writeFileSync(place("srv/agent/holdfast.yaml"), "components:\n  persistence: { path: data/agent.db }\nbackup: { path: backups }\n");
    await follow("run-as-a-service");
    expect(readFileSync(place("srv/agent/textfile/holdfast.prom"), "utf8")).toContain("\nholdfast_safe 1\n");
  });

  it("heavy-maintenance: a wrapped script, tasks, a holder that hangs and is broken", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    writeFileSync(place("srv/agent/sync.sh"), "#!/bin/sh\necho synced >> synced.log\n");
    writeFileSync(place("srv/agent/reindex.sh"), "#!/bin/sh\n");
    for (const name of ["sync.sh", "reindex.sh"]) chmodSync(place(`srv/agent/${name}`), 0o755);
    const guide = readFileSync(join(GUIDES, "heavy-maintenance.md"), "utf8");
    const yaml = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
    writeFileSync(
      place("srv/agent/holdfast.yaml"),
      `components:\n  persistence: { path: data/agent.db }\nbackup: { path: backups }\n${yaml}`,
    );
    const { stdout } = await follow("heavy-maintenance");
    expect(readFileSync(place("srv/agent/synced.log"), "utf8")).toBe("synced\nsynced\n");
    expect(stdout).toContain("owner   reindex");
    expect(stdout).toContain("broken");
    expect(stdout).toContain("The store is sound");
    expect(readdirSync(place("srv/agent/backups")).filter((name) => name.endsWith(".tar.gz"))).toHaveLength(1);
  });

  it("repository-form: a vault of packs takes the place of one of archives, and takes a backup of it along", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    const components = "name: agent\ncomponents:\n  persistence: { path: data/agent.db }\n  memory: { path: memory }\n";
    const config = place("srv/agent/holdfast.yaml");
    writeFileSync(config, `${components}backup: { path: ${place("mnt/backup/agent")} }\n`);
    expect((await runProgram([process.execPath, LAUNCHER, "--config", config, "backup"])).exitCode).toBe(0);
    const guide = readFileSync(join(GUIDES, "repository-form.md"), "utf8");
    const yaml = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
    writeFileSync(place("srv/agent/packs.yaml"), components + yaml.replaceAll("/mnt/", `${folder.path}/mnt/`));
    const { stdout } = await follow("repository-form");
    expect(stdout).toMatch(/ID +SIZE +ADDED/);
    expect(readBank(place("mnt/backup/proof/agent.db")).last).toBe(7);
    expect(readdirSync(place("mnt/backup/agent-packs")).filter((name) => name.endsWith(".backup"))).toHaveLength(3);
    expect(readFileSync(config, "utf8")).toContain("format: repository");
  });

  it("notifications: hooks run, every endpoint of the guide is tried and told", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    const script = (name: string, body: string): void => {
      writeFileSync(place(`srv/agent/${name}`), `#!/bin/sh\n${body}\n`);
      chmodSync(place(`srv/agent/${name}`), 0o755);
    };
    for (const name of ["quiesce", "resume"]) script(`${name}.sh`, `echo "${name} $BACKUP_OUTCOME" >> hooks.log`);
    script("page.sh", "cat >> pages.log");
    const guide = readFileSync(join(GUIDES, "notifications.md"), "utf8");
    const yaml = (/```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? "").replaceAll(/https:\/\/[a-z.-]+/g, server.url);
    writeFileSync(
      place("srv/agent/holdfast.yaml"),
      `components:\n  persistence: { path: data/agent.db }\nbackup: { path: backups }\n${yaml}`,
    );
    const { stdout } = await follow("notifications");
    expect(stdout.match(/^delivered /gm)).toHaveLength(3);
    expect(server.asked.map(({ path }) => path).toSorted()).toEqual(["/hook", "/your-uuid", "/your-uuid/log"]);
    expect(readFileSync(place("srv/agent/hooks.log"), "utf8")).toBe("quiesce \nresume complete\n");
    const page = JSON.parse(readFileSync(place("srv/agent/pages.log"), "utf8")) as Record<string, unknown>;
    const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(guide)?.[1] ?? "{}") as Record<string, unknown>;
    expect(Object.keys(page)).toEqual(Object.keys(shown));
  });

  it("state-file-corrupt: a torn state file is replaced while the orchestrator is stopped, and kept (operator page, scenario 1)", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    const home = place("srv/orchestrator");
    writeTree(home, { "orchestrator_config.json": '{"stateFile":"data/state.json"}\n', "data/state.json": '{"tasks":[1,2,3]}\n' });
    const guide = readFileSync(join(GUIDES, "state-file-corrupt.md"), "utf8");
    const yaml = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
    writeFileSync(join(home, "holdfast.yaml"), `${yaml}backup: { path: ../../mnt/backup/orchestrator }\n`);
    const holdfast = async (...args: string[]): Promise<ProgramResult> =>
      await runProgram([process.execPath, LAUNCHER, "--config", join(home, "holdfast.yaml"), ...args]);
    expect((await holdfast("backup")).exitCode).toBe(0);
    expect((await holdfast("verify")).exitCode).toBe(0);
    writeFileSync(join(home, "data", "state.json"), '{"tasks":[1,2,');
    await follow("state-file-corrupt");
    expect(JSON.parse(readFileSync(join(home, "data", "state.json"), "utf8"))).toEqual({ tasks: [1, 2, 3] });
    expect(readFileSync(folder.join("systemctl.log"), "utf8")).toBe("stop orchestrator\nstart orchestrator\n");
    const texts = readdirSync(join(home, "data"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
    expect(texts).toContain('{"tasks":[1,2,');
  });

  it("container-volume: a backup is taken out through a bind mount, and tar alone reads it", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    writeFileSync(place("srv/agent/holdfast.yaml"), "components:\n  persistence: { path: data/agent.db }\nbackup: { path: backups }\n");
    await follow("container-volume");
    expect(existsSync(place("mnt/backup/agent.tar.gz"))).toBe(true);
  });

  it("keys: a key file and a recovery code, one more, one that is lost, and a rotation", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    const { stdout } = await follow("keys");
    expect(stdout.match(/The key opens the vault/g)).toHaveLength(3);
    expect(stdout).toContain("Epoch 2 begins");
    expect(readdirSync(place("mnt/backup/agent")).filter((name) => name.endsWith(".backup"))).toHaveLength(3);
  });

  it("full-host-restore: a host that has nothing but the vault comes back (operator page, scenario 3)", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    await oldHost(place("srv/agent"), place("mnt/backup/agent"));
    rmSync(place("srv/agent"), { recursive: true });
    await follow("full-host-restore");
    expect(readBank(place("srv/agent/data/agent.db")).last).toBe(7);
    expect(readFileSync(place("srv/agent/memory/notes/plan.md"), "utf8")).toBe("# Plan\n");
  });

  it("moving-hosts: the state comes up elsewhere, and backups go on there", async () => {
    using folder = temporaryFolder();
    const { place, follow } = makeMachine(folder);
    makeAgent(place("srv/agent"));
    await oldHost(place("srv/agent"), place("mnt/backup/agent"));
    await follow("moving-hosts");
    expect(readBank(place("srv/moved/agent/data/agent.db")).last).toBe(7);
  });
});

/** What was there before: a configuration, and a backup of everything in the vault. */
async function oldHost(agent: string, vault: string): Promise<void> {
  const done = await runProgram([process.execPath, LAUNCHER, "protect", agent, "--vault", vault, "--format", "archive"]);
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
}
