import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { Importance, SourceKind } from "../vault/index.ts";
import type { ConfigImportance, ConfigSourceKind } from "./config.ts";
import { LEAST, testPlace } from "./test-place.ts";

/** synthorg#449's block, to the letter. */
const SYNTHORG = `backup:
  enabled: true
  path: "/data/backups"
  schedule_hours: 6
  retention:
    max_count: 10
    max_age_days: 30
  on_shutdown: true
  on_startup: true
  compression: true
  include:
    - persistence
    - memory
    - config
    - checkpoints
`;
const SYNTHORG_COMPONENTS = `components:
  persistence: { path: data/synthorg.db }
  memory: { path: data/memory }
  config: { path: company.yaml }
  checkpoints: { path: data/checkpoints }
  notes: { path: notes }
`;

describe("loadConfig()", () => {
  it("loads the block of synthorg#449 verbatim, with one notice for each key that has no effect yet", () => {
    using place = testPlace();
    const config = place.load(SYNTHORG_COMPONENTS + SYNTHORG);
    expect(config.backup).toEqual({
      path: "/data/backups",
      format: "archive",
      encryption: null,
      compression: true,
      include: ["persistence", "memory", "config", "checkpoints"],
      onStartup: true,
      onShutdown: true,
      enabled: true,
      schedule: { every: 21_600_000 },
      scheduleHours: 6,
      retention: { maxCount: 10, maxAgeDays: 30, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepTags: [], timezone: "UTC" },
    });
  });

  it("accepts the ends of synthorg#449's ranges and refuses what is outside them", () => {
    using place = testPlace();
    const ranges = { schedule_hours: [1, 168], "retention.max_count": [1, 1000], "retention.max_age_days": [1, 3650] } as const;
    for (const [key, [low, high]] of Object.entries(ranges)) {
      const variable = `HOLDFAST_BACKUP__${key.toUpperCase().replace(".", "__")}`;
      for (const good of [low, high]) expect(() => place.load(LEAST, { [variable]: String(good) })).not.toThrow();
      for (const bad of [low - 1, high + 1, -1, 1.5]) {
        expect(place.problems(LEAST, { [variable]: String(bad) })).toMatchObject([{ key: `backup.${key}`, variable }]);
      }
      expect(place.problems(LEAST, { [variable]: String(high + 1) })[0]?.message).toBe(`\`backup.${key}\` must be from ${low} to ${high}`);
    }
  });

  it("fills in defaults: name, state folder, every component, a .tar.gz", () => {
    using place = testPlace();
    const config = place.load(LEAST);
    expect(config).toMatchObject({
      file: place.file,
      folder: place.folder,
      stateDir: place.join(".holdfast"),
      backup: { path: "/vault", compression: true, include: ["state"] },
      schemaVersion: undefined,
    });
    expect(config.name).toMatch(/^holdfast-config-[A-Za-z0-9-]+$/);
    expect(config.components).toEqual([
      {
        name: "state",
        path: { literal: place.join("data") },
        command: null,
        kind: undefined,
        importance: undefined,
        exclude: [],
        include: [],
        excludeLarger: undefined,
        excludeCaches: true,
        oneFileSystem: false,
        optional: false,
        group: undefined,
        pause: undefined,
        read: "staged",
        position: { file: place.file, line: 2, column: 3 },
      },
    ]);
  });

  it("reads every key of a component", () => {
    using place = testPlace();
    const config = place.load(`
name: acme-orchestrator
state_dir: ~/state
schema_version: { component: persistence, query: select max(version) from migrations }
components:
  persistence:
    path: data/../data/synthorg.db/
    kind: sqlite
    importance: critical
    group: core
    optional: true
    pause: { command: [./pause, --now], resume: [../resume], timeout: 1.5m }
  memory: { path: ~/memory, exclude: ["*.tmp"], include: ["*.md"], exclude_larger: 10MB, exclude_caches: false, one_file_system: true, importance: medium }
  database: { command: [pg_dump, -Fc, ./mydb], as: mydb.pgdump }
  dump: { command: [./dump], as: d, timeout: 1h, kind: command }
  sized: { path: /abs, exclude_larger: 4096, pause: { command: [a], resume: [b] } }
  state: { path: { from: conf/orchestrator_config.json, pointer: /stateFile, env: STATE_FILE } }
backup: { path: ../vault, compression: false, include: [state, memory], format: archive }
`);
    const [persistence, memory, database, dump, sized, state] = config.components;
    expect(config).toMatchObject({
      name: "acme-orchestrator",
      stateDir: `${homedir()}/state`,
      schemaVersion: { component: "persistence", query: "select max(version) from migrations" },
      backup: { path: place.join("..", "vault"), compression: false, include: ["state", "memory"] },
    });
    expect(persistence).toMatchObject({
      path: { literal: place.join("data/synthorg.db") },
      kind: "sqlite",
      importance: "critical",
      group: "core",
      optional: true,
      pause: { command: [place.join("pause"), "--now"], resume: [place.join("..", "resume")], timeout: 90_000 },
    });
    expect(memory).toMatchObject({
      path: { literal: `${homedir()}/memory` },
      exclude: ["*.tmp"],
      include: ["*.md"],
      excludeLarger: 10_000_000,
      excludeCaches: false,
      oneFileSystem: true,
      importance: "medium",
    });
    expect(database).toMatchObject({ path: null, command: { argv: ["pg_dump", "-Fc", "./mydb"], as: "mydb.pgdump", timeout: 600_000 } });
    expect(dump?.command).toEqual({ restore: null, argv: [place.join("dump")], as: "d", timeout: 3_600_000 });
    expect(sized).toMatchObject({ excludeLarger: 4096, pause: { timeout: 30_000 } });
    expect(state?.path).toEqual({ from: place.join("conf/orchestrator_config.json"), pointer: "/stateFile", env: "STATE_FILE" });
  });

  it("reads schema_version without a query as PRAGMA user_version", () => {
    using place = testPlace();
    expect(place.load(`${LEAST}schema_version: { component: state }\n`).schemaVersion).toEqual({ component: "state", query: null });
  });

  it("gives a configuration that nobody can change, however deep", () => {
    using place = testPlace();
    const config = place.load(`${LEAST}  include: [state]\n`);
    const visit = (value: unknown): number => {
      if (typeof value !== "object" || value === null) return 0;
      expect(Object.isFrozen(value)).toBe(true);
      return 1 + Object.values(value).reduce((sum: number, inner) => sum + visit(inner), 0);
    };
    expect(visit(config)).toBeGreaterThan(8);
  });

  it.each([
    ["JSON", '{"components": {"state": {"path": "data"}},\n\t"backup": {"path": "/vault"}}'],
    ["a byte order mark", `\uFEFF${LEAST}`],
    ["Windows line ends", LEAST.replaceAll("\n", "\r\n")],
    ["no line end at the end", LEAST.trimEnd()],
    ["anchors and aliases", "components:\n  state: &one { path: data }\n  other: *one\nbackup: { path: /vault }"],
    ["YAML 1.1 by directive", `%YAML 1.1\n---\n${LEAST}`],
  ])("loads %s", (_, text) => {
    using place = testPlace();
    expect(place.load(text).components[0]?.path).toEqual({ literal: place.join("data") });
  });

  it("takes the folder of the name it was given, not of the file that a link leads to", () => {
    using place = testPlace("etc/holdfast.yaml");
    mkdirSync(place.join("etc"));
    symlinkSync("../real.yaml", place.file);
    expect(place.load(LEAST)).toMatchObject({ folder: place.join("etc"), file: place.file, stateDir: place.join("etc/.holdfast") });
    expect(readFileSync(place.join("real.yaml"), "utf8")).toBe(LEAST);
  });

  it("makes a name from a folder that has none of the letters of a name", () => {
    using place = testPlace("ünï_cödé & co/holdfast.yaml");
    mkdirSync(place.join("ünï_cödé & co"));
    expect(place.load(LEAST).name).toBe("n-c-d-co");
  });

  it("keeps its own unions equal to the vault's", () => {
    expectTypeOf<ConfigImportance>().toEqualTypeOf<Importance>();
    expectTypeOf<ConfigSourceKind>().toEqualTypeOf<SourceKind>();
  });
});
