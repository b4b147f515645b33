import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { bePresent, openLedger, type Presence, type SqliteLedger, type Streak, type TaskRecord } from "../../src/ledger/index.ts";
import { sqliteLease, type LeaseKeeper } from "../../src/lease/index.ts";
import {
  defineTasks,
  Orchestrator,
  type DeclaredTask,
  type Level,
  type Log,
  type OrchestratorParts,
  type Started,
  type Task,
} from "../../src/orchestrator/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const SECOND = 1000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;
export const NOON: number = Date.parse("2026-05-20T12:00:00Z");

/** A declared task, joined with the defaults as a configuration's are. The command is a line for the shell. */
export function taskOf(name: string, script: string, more: Partial<DeclaredTask> = {}): Task {
  const declared: DeclaredTask = {
    name,
    label: undefined,
    command: ["sh", "-c", script],
    builtin: null,
    schedule: undefined,
    heavy: undefined,
    timeout: HOUR,
    stall: null,
    yield: null,
    after: undefined,
    keepRunning: false,
    ready: null,
    ...more,
  };
  const { tasks } = defineTasks([declared], { enabled: false, schedule: { every: 6 * HOUR }, argv: ["false"] });
  const [task] = tasks;
  if (task === undefined) throw new Error(`"${name}" is no task`);
  return task;
}

/** A light task of no default name. */
export function lightTask(name: string, script: string, more: Partial<DeclaredTask> = {}): Task {
  return taskOf(name, script, { schedule: { every: 10 * MINUTE }, ...more });
}

/** Says that it has started with a line in a file, and ends when the test lets it. */
export function holding(name: string): string {
  return `echo start >> ${name}.starts; while [ ! -e ${name}.go ]; do sleep 0.02; done; rm ${name}.go`;
}

/** Leaves a line in a file for each start. */
export function counting(name: string): string {
  return `echo start >> ${name}.starts`;
}

export interface Line {
  readonly level: Level;
  readonly message: string;
  readonly task: string | undefined;
}

export interface TaskStage extends AsyncDisposable {
  readonly stateDir: string;
  readonly keeper: LeaseKeeper;
  /** The present one: reopen() makes another. */
  readonly ledger: SqliteLedger;
  readonly lines: readonly Line[];
  readonly log: Log;
  /** The clock of everybody on this stage. */
  now: number;
  /** A path in the folder that tasks run in. */
  join(...names: string[]): string;
  orchestrator(tasks: readonly Task[], more?: Partial<OrchestratorParts>): Orchestrator;
  /** What orchestrator() is made of. */
  parts(tasks: readonly Task[], more?: Partial<OrchestratorParts>): OrchestratorParts;
  /** Closes the ledger and opens it again, as a restart does. */
  reopen(): void;
  /** Makes tasks due now: first seen so long ago. Milliseconds. */
  seen(ago: number, ...tasks: readonly { readonly name: string }[]): void;
  record(name: string): TaskRecord;
  streak(name: string): Streak | undefined;
  /** Messages of one level. */
  said(level: Level): string[];
  /** Resolves when a child has made the file. */
  made(file: string): Promise<void>;
  starts(name: string): number;
  /** Lets a task of holding() end. */
  letGo(name: string): void;
}

export interface TaskStageOptions {
  readonly blocking?: boolean;
}

/** A state folder with a real ledger and a real lease, for orchestrators whose polls the test makes. */
export function taskStage({ blocking = false }: TaskStageOptions = {}): TaskStage {
  const folder = temporaryFolder();
  const stateDir = folder.join("state");
  const keeper = sqliteLease({ stateDir, blocking });
  let ledger = openLedger(stateDir, (text) => lines.push({ level: "warn", message: text, task: undefined }));
  const lines: Line[] = [];
  const orchestrators: Orchestrator[] = [];
  const presences: Presence[] = [];
  const log: Log = (level, message, about) => void lines.push({ level, message, task: about?.task });
  const clock = { now: () => stage.now };
  const parts = (tasks: readonly Task[], more: Partial<OrchestratorParts> = {}): OrchestratorParts => {
    const presence = more.presence ?? bePresent(stateDir);
    presences.push(presence);
    return {
      instance: "stage",
      stateDir,
      cwd: folder.path,
      env: { PATH: process.env["PATH"] },
      tasks,
      ledger,
      presence,
      keeper,
      clock,
      log,
      maxDeferral: null,
      maxHold: HOUR,
      grace: 2000,
      ...more,
    };
  };
  const stage: TaskStage = {
    stateDir,
    keeper,
    get ledger() {
      return ledger;
    },
    lines,
    log,
    now: NOON,
    join: folder.join,
    parts,
    orchestrator: (tasks, more) => {
      const made = new Orchestrator(parts(tasks, more));
      orchestrators.push(made);
      return made;
    },
    reopen: () => {
      ledger[Symbol.dispose]();
      ledger = openLedger(stateDir, (text) => log("warn", text));
    },
    seen: (ago, ...tasks) => {
      ledger.ensureTasks(
        tasks.map(({ name }) => name),
        stage.now - ago,
      );
    },
    record: (name) => {
      const found = ledger.tasks().find((one) => one.name === name);
      if (found === undefined) throw new Error(`The ledger has no row for "${name}"`);
      return found;
    },
    streak: (name) => ledger.streaks().find(({ task }) => task === name),
    said: (level) => lines.filter((line) => line.level === level).map(({ message }) => message),
    made: async (file) => await expect.poll(() => existsSync(folder.join(file)), { timeout: 30_000, interval: 5 }).toBe(true),
    starts: (name) => {
      const path = folder.join(`${name}.starts`);
      return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n").length : 0;
    },
    letGo: (name) => writeFileSync(folder.join(`${name}.go`), ""),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(orchestrators.map(async (one) => await one.close()));
      await keeper[Symbol.asyncDispose]();
      ledger[Symbol.dispose]();
      for (const presence of presences) presence[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
  return stage;
}

/** Names of what a poll has started. */
export function names(started: readonly Started[]): string[] {
  return started.map(({ task }) => task.name);
}

/** As the configuration has it: a room cannot look into that itself. */
export { DEFAULT_TASK_NAMES } from "../../src/config/index.ts";

/** Waits for the end of everything that a poll has started. */
export async function ends(started: readonly Started[]): Promise<string[]> {
  return await Promise.all(started.map(async ({ end }) => (await end).outcome));
}
