import { basename, dirname } from "node:path";
import type { Position } from "../kernel/index.ts";
import { type Absolute, argvOf, runtimeOf } from "./build-runtime.ts";
import { encryptionOf } from "./build-encryption.ts";
import { hooksOf, notifyOf } from "./build-notify.ts";
import { serverOf } from "./build-server.ts";
import { orchestratorOf, taskOf } from "./build-tasks.ts";
import { verifyOf } from "./build-verify.ts";
import {
  DEFAULT_DATABASE_READ,
  type BackupConfig,
  type CommandConfig,
  type ComponentConfig,
  type Config,
  type ConfigDatabaseRead,
  type PathReference,
  type PauseConfig,
  type RetentionConfig,
} from "./config.ts";
import { longestGapHours } from "./cron.ts";
import { absolutePath } from "./path-text.ts";
import type { KeyPath } from "./problem.ts";
import { checked, sizeOf, timeoutOf } from "./quantities.ts";
import type { RawBackup, RawComponent, RawConfig } from "./raw-config.ts";

export interface BuildRequest {
  readonly file: string;
  readonly raw: RawConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly positionOf: (path: KeyPath) => Position;
}

const PAUSE_TIMEOUT = "30s";
const COMMAND_TIMEOUT = "10m";
const SCHEDULE_HOURS = 6;
const TIMEZONE = "UTC";

/** From checked data to the configuration: defaults, absolute paths, milliseconds and bytes. */
export function buildConfig({ file, raw, env, positionOf }: BuildRequest): Config {
  const folder = dirname(file);
  const absolute: Absolute = (text) => absolutePath(folder, text, env);
  const names = Object.keys(raw.components);
  return deepFreeze({
    file,
    folder,
    name: raw.name ?? nameFrom(folder),
    stateDir: absolute(raw.state_dir ?? ".holdfast"),
    components: Object.entries(raw.components).map(([name, component]) =>
      componentOf(name, component, { position: positionOf(["components", name]), absolute, read: readOf(raw, component) }),
    ),
    backup: {
      path: absolute(raw.backup.path),
      format: raw.backup.format ?? "archive",
      encryption: encryptionOf(raw.backup, absolute),
      compression: raw.backup.compression ?? true,
      retention: retentionOf(raw.backup),
      onStartup: raw.backup.on_startup ?? true,
      onShutdown: raw.backup.on_shutdown ?? true,
      enabled: raw.backup.enabled ?? true,
      ...backupSchedule(raw.backup),
      include: [...(raw.backup.include ?? names)],
    },
    verify: verifyOf(raw.verify),
    tasks: Object.entries(raw.tasks ?? {}).map(([name, task]) =>
      taskOf({ name, raw: task, position: positionOf(["tasks", name]), timezone: raw.backup.timezone ?? TIMEZONE, absolute }),
    ),
    orchestrator: orchestratorOf(raw.orchestrator ?? {}),
    server: serverOf(raw.server ?? {}, absolute(raw.state_dir ?? ".holdfast"), absolute),
    hooks: raw.hooks === undefined ? null : hooksOf(raw.hooks, absolute),
    notify: (raw.notify ?? []).map((endpoint) => notifyOf(endpoint, absolute)),
    runtime: raw.runtime === undefined ? null : runtimeOf(raw.runtime, absolute),
    schemaVersion:
      raw.schema_version === undefined ? undefined : { component: raw.schema_version.component, query: raw.schema_version.query ?? null },
  });
}

function backupSchedule({
  schedule,
  schedule_hours: hours = SCHEDULE_HOURS,
  timezone = TIMEZONE,
}: RawBackup): Pick<BackupConfig, "schedule" | "scheduleHours"> {
  if (schedule === undefined) return { schedule: { every: hours * 3_600_000 }, scheduleHours: hours };
  return { schedule: { cron: schedule, timezone }, scheduleHours: longestGapHours(schedule, timezone, Date.now()) };
}

function retentionOf({ retention = {}, timezone = TIMEZONE }: RawBackup): RetentionConfig {
  return {
    maxCount: retention.max_count ?? 10,
    maxAgeDays: retention.max_age_days ?? 30,
    hourly: retention.hourly ?? 0,
    daily: retention.daily ?? 0,
    weekly: retention.weekly ?? 0,
    monthly: retention.monthly ?? 0,
    yearly: retention.yearly ?? 0,
    keepTags: [...(retention.keep_tags ?? [])],
    timezone,
  };
}

/** A folder's name made into an instance's. */
export function nameFrom(folder: string): string {
  const name = basename(folder)
    .replaceAll(/[^A-Za-z0-9]+/g, "-")
    .slice(0, 100)
    .replaceAll(/^-+|-+$/g, "");
  return name === "" ? "instance" : name;
}

/** What has no effect is not asked for. */
function readOf({ backup }: RawConfig, { read, command, pause }: RawComponent): ConfigDatabaseRead {
  if (backup.format !== "repository" || command !== undefined || pause !== undefined) return "staged";
  return read ?? DEFAULT_DATABASE_READ;
}

interface ComponentContext {
  readonly position: Position;
  readonly absolute: Absolute;
  readonly read: ConfigDatabaseRead;
}

function componentOf(name: string, raw: RawComponent, { position, absolute, read }: ComponentContext): ComponentConfig {
  return {
    name,
    path: raw.path === undefined ? null : referenceOf(raw.path, absolute),
    command: commandOf(raw, absolute),
    kind: raw.kind,
    importance: raw.importance,
    exclude: [...(raw.exclude ?? [])],
    include: [...(raw.include ?? [])],
    excludeLarger: raw.exclude_larger === undefined ? undefined : checked(sizeOf(raw.exclude_larger)),
    excludeCaches: raw.exclude_caches ?? true,
    oneFileSystem: raw.one_file_system ?? false,
    optional: raw.optional ?? false,
    group: raw.group,
    pause: pauseOf(raw, absolute),
    read,
    position,
  };
}

function referenceOf(path: NonNullable<RawComponent["path"]>, absolute: Absolute): PathReference {
  if (typeof path === "string") return { literal: absolute(path) };
  return { from: absolute(path.from), pointer: path.pointer, env: path.env ?? null };
}

function commandOf({ command, as, timeout, restore }: RawComponent, absolute: Absolute): CommandConfig | null {
  if (command === undefined || as === undefined) return null;
  return {
    argv: argvOf(command, absolute),
    as,
    timeout: checked(timeoutOf(timeout ?? COMMAND_TIMEOUT)),
    restore: restore === undefined ? null : argvOf(restore, absolute),
  };
}

function pauseOf({ pause }: RawComponent, absolute: Absolute): PauseConfig | undefined {
  if (pause === undefined) return undefined;
  const { command, resume, timeout } = pause;
  return { command: argvOf(command, absolute), resume: argvOf(resume, absolute), timeout: checked(timeoutOf(timeout ?? PAUSE_TIMEOUT)) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
