import { homedir } from "node:os";

/** Names of keys, variables and options whose value is a secret. */
const SECRET_NAME = /(pass(word|phrase)?|secret|token|api[_-]?key|private[_-]?key|credential|authorization|cookie)/i;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // user:password@ in a URL
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+:[^\s/@]+@/gi, "$1***@"],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/._~=-]{8,}/g, "$1 ***"],
  // name=value and name: value with a secret-looking name
  [/\b([A-Za-z0-9_-]*(?:password|passphrase|secret|token|api[_-]?key)[A-Za-z0-9_-]*)(\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"']+)/gi, "$1$2***"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, "***"],
];

/** The one redactor for logs, errors and reports: secrets become ***, the home folder becomes ~. */
export function redact(text: string): string {
  let result = text;
  for (const [pattern, replacement] of PATTERNS) result = result.replace(pattern, replacement);
  const home = homedir();
  return home.length > 1 ? result.replaceAll(`${home}/`, "~/") : result;
}

/** A deep copy of plain data in which secrets are gone, by key name and by pattern. */
export function redactData(value: unknown, key = ""): unknown {
  if (typeof value === "string") return SECRET_NAME.test(key) ? "***" : redact(value);
  if (Array.isArray(value)) return value.map((item) => redactData(item, key));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redactData(item, name)]));
  }
  return SECRET_NAME.test(key) && value !== null && value !== undefined ? "***" : value;
}
