import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openApi } from "../support/api.ts";
import { startHoldfast } from "../support/daemon-program.ts";
import { CHECKOUT, LAUNCHER } from "../support/holdfast.ts";
import { makeInstance, type Instance } from "../support/instance.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const EXAMPLES = join(CHECKOUT, "examples");
const DATABASE = "  persistence: { path: agent.db }";

function example(name: string): string {
  return readFileSync(join(EXAMPLES, name), "utf8");
}

/** Triggers of what was taken, the oldest first: two ids of one second say nothing of their order. */
function triggersIn({ vault }: Instance): string[] {
  const writtenAt = (name: string): number => statSync(join(vault, name)).mtimeMs;
  return readdirSync(vault)
    .toSorted((a, b) => writtenAt(a) - writtenAt(b))
    .flatMap((name) => /_([a-z-]+?)(?:-\d+)?\.tar\.gz$/.exec(name)?.[1] ?? []);
}

/** The only row that a query gives, of the database in the newest backup with this trigger. */
async function rowOf({ vault }: Instance, folder: TemporaryFolder, trigger: string, query: string): Promise<unknown> {
  const archive = readdirSync(vault).findLast((name) => name.includes(`_${trigger}`)) ?? `no ${trigger}`;
  const place = folder.join(`read-${trigger}`);
  mkdirSync(place);
  const tar = await runProgram(["tar", "-xzf", join(vault, archive), "-C", place]);
  expect(tar.exitCode, tar.stderr).toBe(0);
  const file = readdirSync(place, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("agent.db"));
  using database = new DatabaseSync(join(place, String(file)), { readOnly: true });
  return database.prepare(query).get();
}

describe("examples", () => {
  it("are all looked at here, or by the guide that names them", () => {
    const tested = readFileSync(import.meta.filename, "utf8") + readFileSync(join(CHECKOUT, "test/e2e/guides.test.ts"), "utf8");
    const guides = readdirSync(join(CHECKOUT, "docs/guides")).map((name) => readFileSync(join(CHECKOUT, "docs/guides", name), "utf8"));
    const names = readdirSync(EXAMPLES);
    expect(names.length).toBeGreaterThan(6);
    for (const name of names) {
      expect(tested).toContain(name);
      expect(
        guides.some((text) => text.includes(`examples/${name}`)),
        `no guide names ${name}`,
      ).toBe(true);
    }
  });

  it("prometheus-alerts.yaml and grafana-dashboard.json ask for nothing that /metrics does not serve", async () => {
    using folder = temporaryFolder();
    const instance = makeInstance(folder.path, DATABASE);
    const { text } = await openApi(instance.config).ask("GET", "/metrics");
    const served = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name);
    for (const name of ["prometheus-alerts.yaml", "grafana-dashboard.json"]) {
      const asked = new Set(example(name).match(/\bholdfast_\w+/g));
      expect(asked.size, name).toBeGreaterThan(7);
      expect([...asked].filter((metric) => !served.includes(metric))).toEqual([]);
    }
  });

  it("prometheus-alerts.yaml is rules, each with an expression, how bad it is, and what to do", () => {
    const { groups } = parse(example("prometheus-alerts.yaml")) as {
      groups: { rules: { alert: string; expr: string; labels: { severity: string }; annotations: Record<string, string> }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(7);
    for (const { alert, expr, labels, annotations } of rules) {
      expect(alert).toMatch(/^Holdfast[A-Z]\w+$/);
      expect(expr).toMatch(/\bholdfast_\w+/);
      expect(["warning", "critical"]).toContain(labels.severity);
      expect(Object.keys(annotations)).toEqual(["summary", "action"]);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it("grafana-dashboard.json is a page whose panels have a query each and lie beside each other", () => {
    const { panels } = JSON.parse(example("grafana-dashboard.json")) as {
      panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number }; targets: { expr: string }[] }[];
    };
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(panels.length).toBeGreaterThan(10);
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, targets } of panels) expect(targets[0]?.expr, title).toMatch(/holdfast_\w+\{instance=~"\$instance"\}/);
  });

  it("compose.yaml has the daemon and the runtime on one volume, and time for the last backup", () => {
    const { services, volumes } = parse(example("compose.yaml")) as {
      services: Record<
        "agent" | "holdfast",
        { volumes: string[]; init: boolean; user: string; stop_grace_period?: string; command?: string[] }
      >;
      volumes: Record<string, null>;
    };
    const { agent, holdfast } = services;
    for (const service of [agent, holdfast]) {
      expect(service.volumes).toContain("state:/state");
      expect(service.init).toBe(true);
      for (const volume of service.volumes) expect(volumes).toHaveProperty(volume.replace(/:.*$/, ""));
    }
    expect(agent.user).toBe(holdfast.user);
    expect(holdfast.stop_grace_period).toBe("10s");
    expect(holdfast.command).toEqual(["holdfast", "--config", "/state/holdfast.yaml", "daemon", "--json"]);
  });

  it("holdfast-daemon.service and holdfast-settle.service are units that systemd has nothing to say against", async ({ skip }) => {
    const found = (process.env["PATH"] ?? "").split(delimiter).some((place) => existsSync(join(place, "systemd-analyze")));
    if (!found) skip("systemd-analyze is not installed here: the units were not looked at");
    using folder = temporaryFolder();
    const verify = async (name: string, text: string): Promise<string> => {
      // The package is not installed here.
      writeFileSync(folder.join(name), text.replaceAll("/usr/bin/holdfast", LAUNCHER));
      const { exitCode, stdout, stderr } = await runProgram(["systemd-analyze", "verify", "--man=no", folder.join(name)]);
      return exitCode === 0 ? stdout + stderr : `exit code ${exitCode}: ${stdout}${stderr}`;
    };
    writeFileSync(folder.join("agent.service"), "[Service]\nExecStart=/bin/true\n");
    for (const name of ["holdfast-daemon.service", "holdfast-settle.service"]) expect(await verify(name, example(name))).toBe("");
    const misspelt = example("holdfast-daemon.service").replace("NotifyAccess=", "NotifyAcess=");
    expect(await verify("misspelt.service", misspelt)).toContain("NotifyAcess");
  });
});

describe("examples/embedded-agent.ts", () => {
  it("backs up around its life and before its migration, with its own database open, and says what became of heavy work", async () => {
    using folder = temporaryFolder();
    const instance = makeInstance(folder.path, DATABASE, { more: "orchestrator: { shutdown_timeout: 1m }\n" });
    // As an installed package is found, and from the sources.
    const installed = folder.join("node_modules/holdfast");
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(installed, "package.json"), '{ "name": "holdfast", "type": "module", "exports": "./index.js" }\n');
    writeFileSync(join(installed, "index.js"), `export * from ${JSON.stringify(pathToFileURL(join(CHECKOUT, "src/index.ts")).href)};\n`);
    copyFileSync(join(EXAMPLES, "embedded-agent.ts"), folder.join("agent.ts"));
    {
      using old = new DatabaseSync(folder.join("agent.db"));
      old.exec("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT; PRAGMA user_version = 1");
      old.exec("INSERT INTO note (text) VALUES ('from before')");
    }
    const agent = spawn(process.execPath, ["agent.ts", "holdfast.yaml", "agent.db"], {
      cwd: folder.path,
      env: { ...process.env, HOLDFAST_CONFIG: undefined },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let printed = "";
    const saw = async (what: string): Promise<void> => await expect.poll(() => printed, { timeout: 30_000, interval: 10 }).toContain(what);
    for (const stream of [agent.stdout, agent.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const ended = new Promise<unknown[]>((resolve) => agent.once("close", (...end) => resolve(end)));
    await saw("ready\n");
    expect(triggersIn(instance)).toEqual(expect.arrayContaining(["startup", "pre-migration"]));
    agent.stdin.write("three more words\nsummarize\n");
    await saw("3 words\n");
    agent.kill("SIGTERM");
    expect(await ended, printed).toEqual([0, null]);
    expect(triggersIn(instance).toSorted()).toEqual(["pre-migration", "shutdown", "startup"]);
    const version = "SELECT (SELECT user_version FROM pragma_user_version) AS version, count(*) AS notes FROM note";
    expect(await rowOf(instance, folder, "pre-migration", version)).toEqual({ version: 1, notes: 1 });
    expect(await rowOf(instance, folder, "shutdown", version)).toEqual({ version: 2, notes: 2 });
  });
});

describe("examples/agent.py", () => {
  it("is protected by `holdfast run`: a backup before it and after it, its last word in it, and its exit code", async () => {
    using folder = temporaryFolder();
    const instance = makeInstance(folder.path, DATABASE, { more: "orchestrator: { shutdown_timeout: 1m }\n" });
    {
      using made = new DatabaseSync(folder.join("agent.db"));
      made.exec("CREATE TABLE turn (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
    }
    const python = ["run", "--", "python3", join(EXAMPLES, "agent.py"), "agent.db"];
    const usedUp = await instance.runWith({ cwd: folder.path }, ...python, "3");
    expect(usedUp.exitCode, usedUp.stderr).toBe(4);
    expect(usedUp.stdout).toBe("ready\n");
    const turns = "SELECT count(*) AS turns, max(text) AS text FROM turn";
    expect(await rowOf(instance, folder, "shutdown", turns)).toMatchObject({ turns: 4 });

    const running = startHoldfast(["--config", instance.config, ...python], { cwd: folder.path, env: {} });
    await running.saw(/ready/);
    expect(await running.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    // What is due on schedule may have come in between.
    const around = triggersIn(instance).filter((trigger) => trigger !== "scheduled");
    expect(around, running.stderr()).toEqual(["startup", "shutdown", "startup", "shutdown"]);
    using database = new DatabaseSync(folder.join("agent.db"));
    expect(database.prepare("SELECT text FROM turn ORDER BY id DESC LIMIT 1").get()).toEqual({ text: "the last word" });
  });
});
