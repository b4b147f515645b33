import { InternalError, parseBytes, parseDuration } from "../kernel/index.ts";

/** The longest wait that a timer can be set for: 2^31 - 1 milliseconds; a longer one would fire at once. */
const LONGEST_WAIT = 2_147_483_647;

/** The longest cadence: ten years. Beyond it, times of day cannot be counted on to exist. */
const LONGEST_SPAN = 3650 * 86_400_000;

/** Milliseconds of a timeout, or what is wrong with it. */
export function timeoutOf(text: string): number | string {
  const millis = spanOf(text);
  return typeof millis === "number" && millis > LONGEST_WAIT ? "must be at most 24d" : millis;
}

/** Milliseconds of a time that is compared and never waited for at one go, or what is wrong with it. */
export function spanOf(text: string): number | string {
  const millis = parseDuration(text);
  if (millis === undefined) return "must be a duration with its unit, such as 30s, 10m or 1h";
  if (millis < 1) return "must be longer than nothing";
  return millis > LONGEST_SPAN ? "must be at most 3650d" : millis;
}

/** What the schema let through. */
export function checked(value: number | string): number {
  if (typeof value === "string") throw new InternalError(`A value that the schema let through ${value}`);
  return value;
}

/** Bytes of a size, or what is wrong with it. */
export function sizeOf(value: string | number): number | string {
  const bytes = parseBytes(String(value));
  if (bytes === undefined || !Number.isSafeInteger(bytes)) return "must be a size, such as 10MB, 1.5GiB or 4096";
  return bytes < 1 ? "must be larger than nothing" : bytes;
}
