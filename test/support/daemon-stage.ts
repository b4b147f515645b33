import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect } from "vitest";
import { processesWithVariable } from "../../src/kernel/index.ts";
import { openLedger, type SqliteLedger } from "../../src/ledger/index.ts";
import { startHoldfast, type RunningProgram } from "./daemon-program.ts";
import { holdfast, type HoldfastOptions } from "./holdfast.ts";
import type { Instance } from "./instance.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Everything that a stage starts has it in its environment, so that nothing outlives the test, however it was left behind. */
const MARK = "DAEMON_STAGE";

export interface DaemonStage extends Instance, AsyncDisposable {
  readonly stateDir: string;
  /** In the environment of everything that is started here. */
  readonly env: Readonly<Record<string, string>>;
  join(...names: string[]): string;
  /** Starts a command that goes on. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>, input?: string): RunningProgram;
  /** `holdfast daemon`, once it watches. With --json unless told. */
  daemon(options?: { readonly text?: boolean; readonly env?: Readonly<Record<string, string>> }): Promise<RunningProgram>;
  /** A script that holds the lease until it is let go. */
  hold(owner?: string): Promise<Hold>;
  /** Resolves when the file is there. */
  made(file: string): Promise<void>;
  read(file: string): string;
  /** How often a program of counting() or holding() has begun. */
  starts(name: string): number;
  begun(name: string, starts: number): Promise<void>;
  /** Lets a program of holding() end. */
  letGo(name: string): void;
  /** The instance's ledger, beside whoever uses it; closed by the caller. */
  ledger(): SqliteLedger;
  /** Processes that were started here and live. */
  processes(): number[];
}

export interface Hold {
  /** Of `holdfast lease run`. */
  readonly pid: number;
  /** Of its command. */
  readonly child: number;
  readonly program: RunningProgram;
  release(): Promise<void>;
}

export interface DaemonStageOptions {
  /** Lines inside `tasks:`, indented by two. */
  readonly tasks?: string;
  /** Inside `orchestrator: { … }`, after `poll_interval: 100ms`. */
  readonly orchestrator?: string;
  /** Inside `backup: { … }`. Backups around the daemon's life are off unless told. */
  readonly backup?: string;
  /** Lines inside `components:`, beside `state`. */
  readonly components?: string;
  readonly more?: string;
  /** In place of the folder's own `.holdfast`. */
  readonly stateDir?: string;
}

/** A line for the shell: says that it has started with its number in a file, and ends when the test lets it. */
export function holding(name: string): string {
  return `echo $$ >> ${name}.starts; while [ ! -e ${name}.go ]; do sleep 0.02; done; rm ${name}.go`;
}

/** Leaves a line in a file for each start. */
export function counting(name: string): string {
  return `echo $$ >> ${name}.starts`;
}

/** A value of `command:` that runs a line in the shell. */
export function shell(line: string): string {
  return `[sh, -c, ${JSON.stringify(line)}]`;
}

const NO_LIFECYCLE = "on_startup: false, on_shutdown: false";

/** A small instance whose daemon polls ten times in a second, for tests that run whole processes of it. */
export function daemonStage(options: DaemonStageOptions = {}): DaemonStage {
  const folder = temporaryFolder();
  const { tasks, orchestrator = "", backup = NO_LIFECYCLE, components = "", more = "" } = options;
  const stateDir = options.stateDir ?? folder.join(".holdfast");
  const config = folder.join("holdfast.yaml");
  mkdirSync(folder.join("data"));
  writeFileSync(folder.join("data", "state.json"), '{"turn":1}\n');
  writeFileSync(
    config,
    `name: stage
state_dir: ${JSON.stringify(stateDir)}
components:
  state: { path: data/state.json }
${components}
backup: { path: backups, compression: false${backup === "" ? "" : `, ${backup}`} }
orchestrator: { poll_interval: 100ms${orchestrator === "" ? "" : `, ${orchestrator}`} }
${tasks === undefined ? "" : `tasks:\n${tasks}\n`}${more}`,
  );
  const id = randomUUID();
  const env = { [MARK]: id };
  const runWith = async (how: HoldfastOptions, ...args: string[]): ReturnType<typeof holdfast> =>
    await holdfast(["--config", config, ...args], { cwd: folder.path, ...how, env: { ...env, ...how.env } });
  const read = (file: string): string => (existsSync(folder.join(file)) ? readFileSync(folder.join(file), "utf8") : "");
  const starts = (name: string): number => read(`${name}.starts`).split("\n").length - 1;
  const until = async (what: () => unknown): Promise<void> => await expect.poll(what, { timeout: 30_000, interval: 5 }).toBe(true);
  let holds = 0;
  const stage: DaemonStage = {
    folder: folder.path,
    config,
    vault: folder.join("backups"),
    stateDir,
    env,
    runWith,
    run: async (...args) => await runWith({}, ...args),
    join: folder.join,
    start: (args, added = {}, input) =>
      startHoldfast(["--config", config, ...args], {
        cwd: folder.path,
        env: { ...env, ...added },
        ...(input === undefined ? {} : { input }),
      }),
    daemon: async ({ text = false, env: added = {} } = {}) => {
      const program = stage.start(text ? ["daemon"] : ["daemon", "--json"], added);
      await program.saw(/Watching \d/);
      return program;
    },
    hold: async (owner = "hog") => {
      holds += 1;
      const name = `hold-${holds}`;
      const program = stage.start(["lease", "run", "--owner", owner, "--", "sh", "-c", holding(name)]);
      await stage.begun(name, 1);
      return {
        pid: program.pid,
        child: Number(read(`${name}.starts`)),
        program,
        release: async () => {
          stage.letGo(name);
          expect(await program.ended).toEqual({ exitCode: 0, signal: null });
        },
      };
    },
    made: async (file) => await until(() => existsSync(folder.join(file))),
    read,
    starts,
    begun: async (name, count) => await until(() => starts(name) >= count),
    letGo: (name) => writeFileSync(folder.join(`${name}.go`), ""),
    ledger: () => openLedger(stateDir, () => {}),
    processes: () => processesWithVariable(MARK, `${id}\0`),
    [Symbol.asyncDispose]: async () => {
      for (let left = stage.processes(); left.length > 0; left = stage.processes()) {
        for (const pid of left) kill(pid);
        await setImmediate();
      }
      folder[Symbol.dispose]();
    },
  };
  return stage;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile
  }
}

/** Names in the vault that do not look like a backup: what was begun and not finished. */
export function oddNames(names: readonly string[]): string[] {
  return names.filter((name) => name !== ".vault" && !/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_[a-z-]+(?:-\d+)?$/.test(name));
}

export function inState(stage: DaemonStage, ...names: string[]): string {
  return join(stage.stateDir, ...names);
}
