import type { KeyPath, Report } from "./problem.ts";

const ONLY_WITH_URL = ["status", "expect"];

/** What concerns more than one key of a health check, of the runtime or of a service. */
export function checkHealth(path: KeyPath, health: Record<string, unknown>, report: Report): void {
  const has = (key: string): boolean => health[key] !== undefined;
  if (has("url") === has("command"))
    report(
      path,
      "key",
      has("url") ? "A health check has either `url` or `command`, not both" : "A health check has neither `url` nor `command`",
    );
  if (has("url")) return;
  for (const key of ONLY_WITH_URL) if (has(key)) report([...path, key], "key", `\`${key}\` has an effect with \`url\` only`);
}
