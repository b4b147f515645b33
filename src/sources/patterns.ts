import ignore, { type Ignore } from "ignore";

/** Questions after which a matcher is made anew: it remembers every path it was asked, for ever. */
const MEMORY = 20_000;

interface Matcher {
  matches(path: string): boolean;
}

function matcherOf(patterns: readonly string[]): Matcher {
  const make = (): Ignore => ignore({ ignorecase: false, allowRelativePaths: true }).add(patterns);
  let current = make();
  let asked = 0;
  return {
    matches(path) {
      asked += 1;
      if (asked % MEMORY === 0) current = make();
      return current.ignores(path);
    },
  };
}

/** Patterns that have matched nothing so far, each with a matcher of its own until it does. */
function unmatchedOf(patterns: readonly string[]): { see(path: string): void; left(): readonly string[] } {
  const waiting = new Map<string, Matcher>();
  for (const pattern of patterns) {
    // A negation takes back what an earlier pattern matched; it has matched when its body has.
    const body = pattern.startsWith("!") ? pattern.slice(1) : pattern;
    if (body.trim() !== "" && !body.startsWith("#")) waiting.set(pattern, matcherOf([body]));
  }
  return {
    see(path) {
      for (const [pattern, matcher] of waiting) if (matcher.matches(path)) waiting.delete(pattern);
    },
    left: () => [...waiting.keys()],
  };
}

/** gitignore patterns of a tree. Paths are relative to its root, "/" between names. */
export interface Patterns {
  readonly limited: boolean;
  /** Left out, with all that is in it. */
  excluded(path: string, directory: boolean): boolean;
  /** Asked for by an include pattern, or by none being there. */
  included(path: string, directory: boolean): boolean;
  /** What to say of patterns that matched nothing: mostly a mistyped one. */
  warnings(): readonly string[];
}

export function makePatterns(exclude: readonly string[], include: readonly string[]): Patterns {
  const out = exclude.length === 0 ? undefined : { matcher: matcherOf(exclude), unmatched: unmatchedOf(exclude) };
  const into = include.length === 0 ? undefined : { matcher: matcherOf(include), unmatched: unmatchedOf(include) };
  return {
    limited: into !== undefined,
    excluded(path, directory) {
      if (out === undefined) return false;
      const name = directory ? `${path}/` : path;
      out.unmatched.see(name);
      return out.matcher.matches(name);
    },
    included(path, directory) {
      if (into === undefined) return true;
      const name = directory ? `${path}/` : path;
      into.unmatched.see(name);
      return into.matcher.matches(name);
    },
    warnings: () => [
      ...(out?.unmatched.left() ?? []).map((pattern) => `The exclude pattern "${pattern}" matches nothing`),
      ...(into?.unmatched.left() ?? []).map((pattern) => `The include pattern "${pattern}" matches nothing`),
    ],
  };
}
