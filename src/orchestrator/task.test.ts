import { describe, expect, it } from "vitest";
import { HOUR, MINUTE, taskOf } from "../../test/support/task-stage.ts";
import { DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES } from "./heavy-set.ts";
import { defineTasks, type BuiltinBackup, type DeclaredTask } from "./task.ts";

const BACKUP: BuiltinBackup = { enabled: true, schedule: { every: 6 * HOUR }, argv: ["holdfast", "backup", "create"] };
const PLAIN: DeclaredTask = {
  name: "sweep",
  label: undefined,
  command: ["true"],
  builtin: null,
  schedule: { every: MINUTE },
  heavy: undefined,
  timeout: HOUR,
  stall: null,
  yield: null,
  after: undefined,
  keepRunning: false,
  ready: null,
};

describe("defineTasks()", () => {
  it("gives the default names their labels, cadences and order, and makes them heavy", () => {
    const declared = DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES.map((name) => ({ ...PLAIN, name, schedule: undefined }));
    const { tasks, idle } = defineTasks(declared, BACKUP);
    expect(tasks.map(({ name, label, schedule, heavy, after }) => [name, label, schedule, heavy, after])).toEqual([
      ["summary", "session summarization", { every: 10 * MINUTE }, true, []],
      ["kbSync", "knowledge base sync", { every: 30 * MINUTE }, true, []],
      ["backup", "memory core backup", { every: 6 * HOUR }, true, []],
      ["primary-dev-sync", "primary checkout dev sync", { every: 10 * MINUTE }, true, []],
      ["dream", "REM sleep graph extraction", { every: HOUR }, true, []],
      ["golden-path", "golden path synthesis", { every: HOUR }, true, ["dream"]],
    ]);
    expect(idle).toEqual([]);
  });

  it("without a command a default name is no task, and never due; the builtin backup needs none", () => {
    const { tasks, idle, services } = defineTasks([], BACKUP);
    expect(tasks).toMatchObject([
      { name: "backup", label: "memory core backup", builtin: "backup", argv: BACKUP.argv, heavy: true, schedule: BACKUP.schedule },
    ]);
    expect(services).toEqual([]);
    expect(idle.map(({ name }) => name)).toEqual(["summary", "kbSync", "primary-dev-sync", "dream", "golden-path"]);
  });

  it("with backups switched off there is no builtin backup, and a command of that name is the user's own", () => {
    expect(defineTasks([], { ...BACKUP, enabled: false }).tasks).toEqual([]);
    expect(defineTasks([{ ...PLAIN, name: "backup", command: null, builtin: "backup" }], { ...BACKUP, enabled: false }).tasks).toEqual([]);
    expect(defineTasks([{ ...PLAIN, name: "backup", schedule: undefined }], { ...BACKUP, enabled: false }).tasks).toMatchObject([
      { argv: ["true"], builtin: null, heavy: true },
    ]);
  });

  it("what is declared wins: label, cadence, weight and order", () => {
    const own = { label: "dreams", schedule: { every: 7 }, heavy: false, after: ["sweep"] };
    const { tasks } = defineTasks([{ ...PLAIN, name: "dream", ...own }, PLAIN, { ...PLAIN, name: "reindex", heavy: true }], {
      ...BACKUP,
      enabled: false,
    });
    expect(tasks).toMatchObject([
      { name: "dream", ...own },
      { name: "sweep", label: "sweep", heavy: false },
      { name: "reindex", heavy: true },
    ]);
  });

  it("a task may come after the builtin backup, which nobody has to declare", () => {
    const { tasks } = defineTasks([{ ...PLAIN, after: ["backup"] }], BACKUP);
    expect(tasks.find(({ name }) => name === "sweep")?.after).toEqual(["backup"]);
  });

  it("what is kept running is a service and no task, whatever its name", () => {
    const { tasks, services, idle } = defineTasks([{ ...PLAIN, name: "summary", heavy: false, keepRunning: true }], {
      ...BACKUP,
      enabled: false,
    });
    expect(tasks).toEqual([]);
    expect(services).toEqual([{ name: "summary", label: "summary", argv: ["true"], ready: null }]);
    expect(idle.map(({ name }) => name)).toContain("backup");
  });

  it("a backup that nobody declared has time for large state, and one that somebody did has what is declared", () => {
    expect(defineTasks([], BACKUP).tasks[0]?.timeout).toBe(12 * HOUR);
    const backup = { ...PLAIN, name: "backup", command: null, builtin: "backup", timeout: MINUTE } as const;
    expect(defineTasks([backup], BACKUP).tasks[0]?.timeout).toBe(MINUTE);
    expect(taskOf("summary", "true").timeout).toBe(HOUR);
  });

  it("has the builtin verification as a heavy task of its own, and only when it is asked for", () => {
    const verify = { schedule: { every: 24 * HOUR }, argv: ["holdfast", "verify", "--sample", "10%"] };
    expect(defineTasks([PLAIN], BACKUP).tasks.map(({ name }) => name)).toEqual(["sweep", "backup"]);
    const { tasks, idle } = defineTasks([PLAIN], { ...BACKUP, enabled: false }, verify);
    expect(tasks).toMatchObject([{ name: "sweep" }, { name: "verify", builtin: "verify", heavy: true, ...verify }]);
    expect(idle.map(({ name }) => name)).not.toContain("verify");
  });
});
