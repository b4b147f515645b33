import * as z from "zod/mini";
import { cronComplaint } from "./cron.ts";
import { pathComplaint } from "./path-text.ts";
import { spanOf, timeoutOf } from "./quantities.ts";

/** What the reference says of a key. `title` names its type for people; `default` is how the file would say it. */
export interface KeyMeta {
  readonly description: string;
  readonly title?: string;
  readonly default?: unknown;
  readonly [extra: string]: unknown;
}

export const KEY_META: z.core.$ZodRegistry<KeyMeta> = z.registry<KeyMeta>();

/** Names of instances, components and tasks: they name folders inside a backup, and variables of the environment. */
export const NAME_PATTERN = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$";
const LONGEST_NAME = 200;
export const POINTER_PATTERN = "^(/([^~/]|~[01])*)+$";

export function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && new RegExp(NAME_PATTERN).test(text);
}
export const NAME_RULE: string = `letters, digits and single dashes between them, at most ${LONGEST_NAME}`;

export function key<T extends z.ZodMiniType>(schema: T, meta: KeyMeta): T {
  KEY_META.add(schema, meta);
  return schema;
}

/** Text that passes a question; the answer is what is wrong with it. */
export function textThat(complaint: (text: string) => string | undefined): z.ZodMiniString {
  return z.string().check(z.refine((text) => complaint(text) === undefined, { error: ({ input }) => complaint(String(input)) ?? "" }));
}

export const matching = (pattern: string, message: string): z.ZodMiniString =>
  textThat((text) => (new RegExp(pattern).test(text) ? undefined : message));
export const name = (): z.ZodMiniString => textThat((text) => (isName(text) ? undefined : `must be a name: ${NAME_RULE}`));
export const path = (): z.ZodMiniString => textThat(pathComplaint);
export const filled = (): z.ZodMiniString =>
  textThat((text) => (text === "" ? "must not be empty" : text.includes("\0") ? "must not hold a NUL character" : undefined));
export const duration = (): z.ZodMiniString => textThat((text) => onlyText(timeoutOf(text)));
/** Of what no timer waits for at one go, such as a cadence. */
export const span = (): z.ZodMiniString => textThat((text) => onlyText(spanOf(text)));
export const cron = (): z.ZodMiniString => textThat(cronComplaint);
export const timezone = (): z.ZodMiniString => textThat(timezoneComplaint);
export const argv = (): z.ZodMiniArray<z.ZodMiniString> =>
  z.array(filled()).check(z.minLength(1, { error: "must not be empty: a program, then its arguments" }));
export const patterns = (): z.ZodMiniArray<z.ZodMiniString> => z.array(filled());
export const between = (low: number, high: number): z.ZodMiniNumberFormat => {
  const error = `must be from ${low} to ${high}`;
  return z.int().check(z.gte(low, { error }), z.lte(high, { error }));
};

export function onlyText(value: number | string): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function timezoneComplaint(text: string): string | undefined {
  try {
    Intl.DateTimeFormat("en-US", { timeZone: text });
    return undefined;
  } catch {
    return "must be an IANA time zone, such as Europe/Berlin or UTC";
  }
}
