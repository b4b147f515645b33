import { InternalError } from "../kernel/index.ts";
import type { HealthConfig, RuntimeConfig } from "./config.ts";
import { checked, timeoutOf } from "./quantities.ts";
import type { RawHealth, RawRuntime } from "./raw-config.ts";

const RUNTIME_TIMEOUT = "60s";

/** Makes a path of the configuration absolute. */
export type Absolute = (text: string) => string;

export function runtimeOf({ stop, start, timeout, health }: RawRuntime, absolute: Absolute): RuntimeConfig {
  return {
    stop: argvOf(stop, absolute),
    start: argvOf(start, absolute),
    timeout: checked(timeoutOf(timeout ?? RUNTIME_TIMEOUT)),
    health: health === undefined ? null : healthOf(health, absolute),
  };
}

export function healthOf({ url, status, expect, command, timeout: text }: RawHealth, absolute: Absolute): HealthConfig {
  const timeout = checked(timeoutOf(text ?? RUNTIME_TIMEOUT));
  if (url !== undefined) return { url, status: status ?? 200, expect: { ...expect }, timeout };
  if (command === undefined) throw new InternalError("A health check that the schema let through has neither url nor command");
  return { command: argvOf(command, absolute), timeout };
}

/** A program by a relative path is the configuration's neighbour, whatever folder the command is run in; a bare name is looked up. */
export function argvOf(argv: readonly string[], absolute: Absolute): string[] {
  return argv.map((word, index) => (index === 0 && (/^\.{1,2}\//.test(word) || word.startsWith("~/")) ? absolute(word) : word));
}
