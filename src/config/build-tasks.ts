import type { Position } from "../kernel/index.ts";
import { type Absolute, argvOf, healthOf } from "./build-runtime.ts";
import type { OrchestratorConfig, ScheduleConfig, TaskConfig } from "./config.ts";
import { checked, spanOf, timeoutOf } from "./quantities.ts";
import type { RawOrchestrator, RawTask } from "./raw-config.ts";

export interface TaskRequest {
  readonly name: string;
  readonly raw: RawTask;
  readonly position: Position;
  /** Of a cron expression that has none of its own. */
  readonly timezone: string;
  readonly absolute: Absolute;
}

export const TASK_TIMEOUT = "1h";
/** Large state takes long, and a deadline is for what hangs. */
export const BACKUP_TIMEOUT = "12h";

export function taskOf({ name, raw, position, timezone, absolute }: TaskRequest): TaskConfig {
  const builtin = name === "backup" && raw.command === undefined ? "backup" : null;
  const keepRunning = raw.keep_running ?? false;
  return {
    name,
    label: raw.label,
    command: raw.command === undefined ? null : argvOf(raw.command, absolute),
    builtin,
    schedule: builtin !== null || keepRunning ? null : scheduleOf(raw, timezone),
    // A service never takes the lease, whatever its name.
    heavy: keepRunning ? false : raw.heavy,
    timeout: checked(timeoutOf(raw.timeout ?? (builtin === null ? TASK_TIMEOUT : BACKUP_TIMEOUT))),
    stall: raw.stall === undefined ? null : checked(timeoutOf(raw.stall)),
    yield: raw.yield ?? null,
    after: raw.after === undefined ? undefined : [...raw.after],
    keepRunning,
    ready: raw.ready === undefined ? null : healthOf(raw.ready, absolute),
    position,
  };
}

function scheduleOf({ every, cron, timezone }: RawTask, fallback: string): ScheduleConfig | undefined {
  if (every !== undefined) return { every: checked(spanOf(every)) };
  return cron === undefined ? undefined : { cron, timezone: timezone ?? fallback };
}

export function orchestratorOf(raw: RawOrchestrator): OrchestratorConfig {
  return {
    pollInterval: checked(timeoutOf(raw.poll_interval ?? "3s")),
    maxDeferral: raw.max_deferral === undefined ? null : checked(spanOf(raw.max_deferral)),
    maxHold: checked(timeoutOf(raw.max_hold ?? "30m")),
    startupWait: checked(timeoutOf(raw.startup_wait ?? "60s")),
    shutdownTimeout: checked(timeoutOf(raw.shutdown_timeout ?? "8s")),
  };
}
