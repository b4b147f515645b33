import { parseBytes, parseDuration } from "../kernel/index.ts";

/** The longest wait that a timer can be set for: 2^31 - 1 milliseconds; a longer one would fire at once. */
const LONGEST_WAIT = 2_147_483_647;

/** Milliseconds of a timeout, or what is wrong with it. */
export function timeoutOf(text: string): number | string {
  const millis = parseDuration(text);
  if (millis === undefined) return "must be a duration with its unit, such as 30s, 10m or 1h";
  if (millis < 1) return "must be longer than nothing";
  return millis > LONGEST_WAIT ? "must be at most 24d" : millis;
}

/** Bytes of a size, or what is wrong with it. */
export function sizeOf(value: string | number): number | string {
  const bytes = parseBytes(String(value));
  if (bytes === undefined || !Number.isSafeInteger(bytes)) return "must be a size, such as 10MB, 1.5GiB or 4096";
  return bytes < 1 ? "must be larger than nothing" : bytes;
}
