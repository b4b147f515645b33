import { basename, dirname } from "node:path";
import { InternalError, type Position } from "../kernel/index.ts";
import type {
  CommandConfig,
  ComponentConfig,
  Config,
  HealthConfig,
  PathReference,
  PauseConfig,
  RetentionConfig,
  RuntimeConfig,
} from "./config.ts";
import { absolutePath } from "./path-text.ts";
import { sizeOf, timeoutOf } from "./quantities.ts";
import type { RawBackup, RawComponent, RawConfig, RawHealth, RawRuntime } from "./raw-config.ts";
import { noticesFor } from "./unavailable.ts";

export interface BuildRequest {
  readonly file: string;
  readonly raw: RawConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly positionOf: (component: string) => Position;
}

const PAUSE_TIMEOUT = "30s";
const COMMAND_TIMEOUT = "10m";
const RUNTIME_TIMEOUT = "60s";

/** From checked data to the configuration: defaults, absolute paths, milliseconds and bytes. */
export function buildConfig({ file, raw, env, positionOf }: BuildRequest): Config {
  const folder = dirname(file);
  const absolute = (text: string): string => absolutePath(folder, text, env);
  const names = Object.keys(raw.components);
  return deepFreeze({
    file,
    folder,
    name: raw.name ?? nameFrom(folder),
    stateDir: absolute(raw.state_dir ?? ".holdfast"),
    components: Object.entries(raw.components).map(([name, component]) => componentOf(name, component, positionOf(name), absolute)),
    backup: {
      path: absolute(raw.backup.path),
      compression: raw.backup.compression ?? true,
      retention: retentionOf(raw.backup),
      scheduleHours: raw.backup.schedule_hours ?? 6,
      include: [...(raw.backup.include ?? names)],
    },
    runtime: raw.runtime === undefined ? null : runtimeOf(raw.runtime, absolute),
    schemaVersion:
      raw.schema_version === undefined ? undefined : { component: raw.schema_version.component, query: raw.schema_version.query ?? null },
    notices: noticesFor(raw.backup),
  });
}

function retentionOf({ retention = {}, timezone = "UTC" }: RawBackup): RetentionConfig {
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

function componentOf(name: string, raw: RawComponent, position: Position, absolute: (text: string) => string): ComponentConfig {
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
    position,
  };
}

function referenceOf(path: NonNullable<RawComponent["path"]>, absolute: (text: string) => string): PathReference {
  if (typeof path === "string") return { literal: absolute(path) };
  return { from: absolute(path.from), pointer: path.pointer, env: path.env ?? null };
}

function commandOf({ command, as, timeout, restore }: RawComponent, absolute: (text: string) => string): CommandConfig | null {
  if (command === undefined || as === undefined) return null;
  return {
    argv: argvOf(command, absolute),
    as,
    timeout: checked(timeoutOf(timeout ?? COMMAND_TIMEOUT)),
    restore: restore === undefined ? null : argvOf(restore, absolute),
  };
}

function runtimeOf({ stop, start, timeout, health }: RawRuntime, absolute: (text: string) => string): RuntimeConfig {
  return {
    stop: argvOf(stop, absolute),
    start: argvOf(start, absolute),
    timeout: checked(timeoutOf(timeout ?? RUNTIME_TIMEOUT)),
    health: health === undefined ? null : healthOf(health, absolute),
  };
}

function healthOf({ url, status, expect, command, timeout: text }: RawHealth, absolute: (text: string) => string): HealthConfig {
  const timeout = checked(timeoutOf(text ?? RUNTIME_TIMEOUT));
  if (url !== undefined) return { url, status: status ?? 200, expect: { ...expect }, timeout };
  if (command === undefined) throw new InternalError("A health check that the schema let through has neither url nor command");
  return { command: argvOf(command, absolute), timeout };
}

function pauseOf({ pause }: RawComponent, absolute: (text: string) => string): PauseConfig | undefined {
  if (pause === undefined) return undefined;
  const { command, resume, timeout } = pause;
  return { command: argvOf(command, absolute), resume: argvOf(resume, absolute), timeout: checked(timeoutOf(timeout ?? PAUSE_TIMEOUT)) };
}

/** A program by a relative path is the configuration's neighbour, whatever folder the command is run in; a bare name is looked up. */
function argvOf(argv: readonly string[], absolute: (text: string) => string): string[] {
  return argv.map((word, index) => (index === 0 && (/^\.{1,2}\//.test(word) || word.startsWith("~/")) ? absolute(word) : word));
}

function checked(value: number | string): number {
  if (typeof value === "string") throw new InternalError(`A value that the schema let through ${value}`);
  return value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
