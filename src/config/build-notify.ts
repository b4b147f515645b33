import { InternalError } from "../kernel/index.ts";
import { type Absolute, argvOf } from "./build-runtime.ts";
import type { HooksConfig, NotifyConfig, NotifyEvent } from "./config.ts";
import { checked, timeoutOf } from "./quantities.ts";
import type { RawHooks, RawNotify } from "./raw-config.ts";

const HOOK_TIMEOUT = "60s";
const DELIVERY_TIMEOUT = "10s";
/** A success is nothing to be woken by. */
const WHAT_IS_WRONG: readonly NotifyEvent[] = ["failure", "overdue", "starving", "damage"];
/** A check that never hears of a success goes down by itself, and does so as well when one is overdue. */
const WHAT_A_CHECK_NEEDS: readonly NotifyEvent[] = ["success", "failure"];

export function hooksOf({ before, after, error, timeout }: RawHooks, absolute: Absolute): HooksConfig {
  const program = (argv: readonly string[] | undefined): readonly string[] | null => (argv === undefined ? null : argvOf(argv, absolute));
  return {
    before: program(before),
    after: program(after),
    error: program(error),
    timeout: checked(timeoutOf(timeout ?? HOOK_TIMEOUT)),
  };
}

export function notifyOf(raw: RawNotify, absolute: Absolute): NotifyConfig {
  const { url, command, style = "webhook" } = raw;
  const common = {
    on: [...new Set(raw.on ?? (style === "healthchecks" ? WHAT_A_CHECK_NEEDS : WHAT_IS_WRONG))],
    timeout: checked(timeoutOf(raw.timeout ?? DELIVERY_TIMEOUT)),
  };
  if (url !== undefined) return { url, style, headers: { ...raw.headers }, ...common };
  if (command === undefined) throw new InternalError("An endpoint of `notify` that the schema let through has neither url nor command");
  return { command: argvOf(command, absolute), ...common };
}
