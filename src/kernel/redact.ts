import { homedir } from "node:os";

/** Names of keys, variables and options whose value is a secret. */
const SECRET_NAME = /pass|secret|token|api[_-]?key|private[_-]?key|credential|authorization|cookie/i;

/** The same inside running text, where "compass" and "passed" are words. */
const NAME = "(?:pass(?:word|phrase|wd)|[_-]pass(?![a-z])|secret|token|api[_-]?key|private[_-]?key|credential)[\\w-]{0,60}";
/** A value in quotes, also escaped ones and ones that the text was cut off in; else up to white space or "&". */
const VALUE = String.raw`"(?:[^"\\]|\\[^])*(?:"|$)|'[^']*(?:'|$)|(?<escaped>\\+["'])[^]*?(?:(?<!\\)\k<escaped>|$)|(?:[^\s&"\\]|\\(?!["'\\]))+`;
const IS = String.raw`(?<is>\\*["']?\s*[=:]\s*)`;

/** Redacted before. */
const DONE = String.raw`(?!\s*\*\*\*(?:[\s"'}\],;&\\]|$))`;

/** No pattern begins with something that repeats: a megabyte of one letter must not take a minute. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // What stands before the @ of a URL, also with a "/" in the password; a port is no password.
  [/:\/\/(?:[^\s/?#"]*@|[^\s/@:"]*:(?!\d+[/?#])[^\s"]{0,512}@)/g, "://***@"],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/._~=-]{8,}/gi, "$1 ***"],
  [new RegExp(`(?<name>authorization|cookie)${IS}${DONE}(?:"(?:[^"\\\\]|\\\\[^])*(?:"|$)|[^\\r\\n]+)`, "gi"), "$<name>$<is>***"],
  [new RegExp(`(?<name>${NAME})${IS}${DONE}(?:${VALUE})`, "gi"), "$<name>$<is>***"],
  [new RegExp(`(?<=--[\\w-]{0,60})(?<name>${NAME}|authorization|cookie)(?<is>\\s+)${DONE}(?:${VALUE})`, "gi"), "$<name>$<is>***"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|$)/g, "***"],
];

/** The one redactor for logs, errors and reports: secrets become ***, the home folder becomes ~. */
export function redact(text: string): string {
  let result = text;
  for (const [pattern, replacement] of PATTERNS) result = result.replace(pattern, replacement);
  const home = homeFolder();
  if (home.length <= 1) return result;
  // "/mnt/root/x" is not in the home folder "/root".
  return result.replaceAll(new RegExp(`(?<![\\p{L}\\p{N}_.~/-])${home.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}/`, "gu"), "~/");
}

/** Empty for an account that has none, as in a container with a user id of its own. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}

/** A deep copy of plain data in which secrets are gone, by key name and by pattern. */
export function redactData(value: unknown, key = ""): unknown {
  if (value === null || value === undefined) return value;
  if (SECRET_NAME.test(key)) return "***";
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactData(item));
  if (typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redactData(item, name)]));
  return value;
}
