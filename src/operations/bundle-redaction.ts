import { homedir } from "node:os";
import type { Config } from "../config/index.ts";
import { redact, redactData } from "../kernel/index.ts";

/** As the kernel's redactor knows them by name; here also for what stands beside the name and not behind it. */
const SECRET_NAME = /pass|secret|token|api[_-]?key|private[_-]?key|credential|authorization|cookie/i;
/** A value this short would be found in every second word. */
const SHORTEST = 6;

/**
 * What may leave this machine: the kernel's redaction, and what only a whole document can tell:
 * the word behind `--password` in an argument list, the values of secret variables wherever they turn up, the query of an
 * address, the home folder by itself, and names of files inside components.
 */
export function keepSecrets(config: Config | null, env: NodeJS.ProcessEnv): (value: unknown) => unknown {
  const values = Object.entries(env).flatMap(([name, value = ""]) => (SECRET_NAME.test(name) && value.length >= SHORTEST ? [value] : []));
  const homes = [...new Set([homeFolder(), env["HOME"] ?? ""])].filter((home) => home.length > 1);
  const text = (given: string): string => {
    let result = given;
    // Longest first: one may be a part of another.
    for (const value of values.toSorted((a, b) => b.length - a.length)) result = result.replaceAll(value, "***");
    result = redact(result).replaceAll(/(https?:\/\/[^\s"'?#]*)[?#][^\s"']*/g, "$1?***");
    if (config !== null) result = withoutNames(result, config);
    for (const home of homes) result = result.replaceAll(new RegExp(`(?<![\\w./-])${escaped(home)}(?![\\w.-])`, "g"), "~");
    return result;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return argumentsWithout(value).map(walk);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), walk(inner)]));
    return value;
  };
  return (value) => walk(redactData(value));
}

function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}

/** `["--password", "x"]`: the name stands in one word and the secret in the next. */
function argumentsWithout(words: readonly unknown[]): readonly unknown[] {
  return words.map((word, index) => {
    const before = words[index - 1];
    return typeof word === "string" && typeof before === "string" && /^-{1,2}[\w-]+$/.test(before) && SECRET_NAME.test(before)
      ? "***"
      : word;
  });
}

/** `<component>/<path>` and everything below a component's folder become the folder and an ellipsis. */
function withoutNames(text: string, config: Config): string {
  let result = text;
  for (const { name, path } of config.components) {
    if (path !== null && "literal" in path)
      result = result.replaceAll(new RegExp(`${escaped(path.literal)}/[^"\\n]+`, "g"), `${path.literal}/…`);
    result = result.replaceAll(new RegExp(`"${escaped(name)}/[^"\\n]+"`, "g"), `"${name}/…"`);
    result = result.replaceAll(new RegExp(`(?<![\\w/.-])${escaped(name)}/[^\\s":]+`, "g"), `${name}/…`);
  }
  return result;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
