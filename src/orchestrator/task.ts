import { heavySet } from "./heavy-set.ts";
import type { Schedule } from "./schedule/index.ts";

/** How to know that a service is ready, as config and restore have it. */
export type ReadyCheck =
  | {
      readonly url: string;
      readonly status: number;
      readonly expect: Readonly<Record<string, string | number | boolean | null>>;
      readonly timeout: number;
    }
  | { readonly command: readonly string[]; readonly timeout: number };

/** What a configuration declares; durations are milliseconds. */
export interface DeclaredTask {
  readonly name: string;
  readonly label: string | undefined;
  readonly command: readonly string[] | null;
  readonly builtin: "backup" | null;
  readonly schedule: Schedule | null | undefined;
  readonly heavy: boolean | undefined;
  readonly timeout: number;
  readonly stall: number | null;
  readonly yield: "stdin" | "signal" | null;
  readonly after: readonly string[] | undefined;
  readonly keepRunning: boolean;
  readonly ready: ReadyCheck | null;
}

/** Something that runs when it is due. */
export interface Task {
  readonly name: string;
  /** For people: "session summarization". */
  readonly label: string;
  readonly argv: readonly string[];
  readonly builtin: "backup" | "verify" | null;
  readonly schedule: Schedule;
  readonly heavy: boolean;
  readonly timeout: number;
  readonly stall: number | null;
  readonly yield: "stdin" | "signal" | null;
  /** It waits while one of these is due or runs; one that nothing is declared for is neither. */
  readonly after: readonly string[];
}

/** Something that is kept running, outside the lease. */
export interface Service {
  readonly name: string;
  readonly label: string;
  readonly argv: readonly string[];
  readonly ready: ReadyCheck | null;
}

interface Default {
  readonly label: string;
  readonly schedule: Schedule | null;
  readonly after: readonly string[];
}

const MINUTE = 60_000;

/** Labels and cadences of the default names. One without a command is never due. */
const DEFAULTS: ReadonlyMap<string, Default> = new Map([
  ["summary", { label: "session summarization", schedule: { every: 10 * MINUTE }, after: [] }],
  ["kbSync", { label: "knowledge base sync", schedule: { every: 30 * MINUTE }, after: [] }],
  ["backup", { label: "memory core backup", schedule: null, after: [] }],
  ["primary-dev-sync", { label: "primary checkout dev sync", schedule: { every: 10 * MINUTE }, after: [] }],
  ["dream", { label: "REM sleep graph extraction", schedule: { every: 60 * MINUTE }, after: [] }],
  ["golden-path", { label: "golden path synthesis", schedule: { every: 60 * MINUTE }, after: ["dream"] }],
]);

export interface BuiltinBackup {
  readonly enabled: boolean;
  readonly schedule: Schedule;
  /** This program's own `backup`. */
  readonly argv: readonly string[];
}

export interface BuiltinVerify {
  readonly schedule: Schedule;
  /** This program's own `verify`, of a part of the vault. */
  readonly argv: readonly string[];
}

export interface DefinedTasks {
  readonly tasks: readonly Task[];
  readonly services: readonly Service[];
  /** Default names that nothing is declared for: never due. */
  readonly idle: readonly { readonly name: string; readonly label: string }[];
}

/** Of what nobody has declared: large state takes long, and a deadline is for what hangs. */
const BUILTIN_TIMEOUT = 12 * 60 * MINUTE;

/**
 * Joins what is declared with the defaults.
 *
 * @param verify null: nothing is read back on schedule
 */
export function defineTasks(declared: readonly DeclaredTask[], backup: BuiltinBackup, verify: BuiltinVerify | null = null): DefinedTasks {
  const heavy = heavySet(declared);
  const services = declared.flatMap(({ name, label, command, keepRunning, ready }): Service[] =>
    keepRunning && command !== null ? [{ name, label: label ?? name, argv: command, ready }] : [],
  );
  const tasks = declared.flatMap((one): Task[] => {
    const { name, command, builtin, keepRunning } = one;
    if (keepRunning || (builtin === null && command === null)) return [];
    if (builtin !== null && !backup.enabled) return [];
    const known = DEFAULTS.get(name);
    const schedule = one.schedule ?? known?.schedule ?? backup.schedule;
    return [
      {
        name,
        label: one.label ?? known?.label ?? name,
        argv: command ?? backup.argv,
        builtin,
        schedule,
        heavy: heavy.has(name),
        timeout: one.timeout,
        stall: one.stall,
        yield: one.yield,
        after: one.after ?? known?.after ?? [],
      },
    ];
  });
  if (backup.enabled && declared.every(({ name }) => name !== "backup")) tasks.push(builtinBackup(backup));
  if (verify !== null) tasks.push(builtinVerify(verify));
  const idle = [...DEFAULTS].flatMap(([name, { label }]) => (tasks.some((task) => task.name === name) ? [] : [{ name, label }]));
  return { tasks, services, idle };
}

function builtinBackup({ schedule, argv }: BuiltinBackup): Task {
  return {
    name: "backup",
    label: DEFAULTS.get("backup")?.label ?? "backup",
    argv,
    builtin: "backup",
    schedule,
    heavy: true,
    timeout: BUILTIN_TIMEOUT,
    stall: null,
    yield: null,
    after: [],
  };
}

/** Heavy without being in the set of names: what it reads, a backup would write to and a prune could not sweep. */
function builtinVerify({ schedule, argv }: BuiltinVerify): Task {
  return {
    name: "verify",
    label: "vault verification",
    argv,
    builtin: "verify",
    schedule,
    heavy: true,
    timeout: BUILTIN_TIMEOUT,
    stall: null,
    yield: null,
    after: [],
  };
}
