/** What a module names in its import and re-export statements. TypeScript 7 has no stable compiler API to ask. */
export interface ImportStatement {
  readonly specifier: string;
  /**
   * `import type` and `export type` only: they are gone at run time. `import { type A }` still loads the module
   * under verbatimModuleSyntax, and so counts as an import of values.
   */
  readonly typeOnly: boolean;
  /** Counted from 1. */
  readonly line: number;
}

export interface ScannedModule {
  readonly imports: readonly ImportStatement[];
  /** The source with comments, strings, templates and regular expressions blanked; same length, same lines. */
  readonly code: string;
}

interface Literal {
  readonly start: number;
  readonly end: number;
}

/** A `/` after one of these begins a regular expression, after anything else it divides. */
const BEFORE_EXPRESSION = /(?:^|[([{,;:=!&|?+\-*%^~<>]|\b(?:return|typeof|case|in|of|do|else|yield|await|void|delete|throw|new))\s*$/;

/** Blanks everything that is not code, and remembers where the quoted strings were. */
function mask(source: string): { code: string; strings: readonly Literal[] } {
  // Units of UTF-16 and not characters: places in the masked code must be places in the source.
  const code = source.split("");
  const strings: Literal[] = [];
  const blank = (start: number, end: number): void => {
    for (let at = start; at < end; at += 1) if (code[at] !== "\n") code[at] = " ";
  };
  /** Braces open inside the template expressions that surround this place, innermost last. */
  const templates: number[] = [];
  let at = 0;

  const endOfQuoted = (quote: string, from: number): number => {
    let end = from;
    while (end < source.length && source[end] !== quote && source[end] !== "\n") end += source[end] === "\\" ? 2 : 1;
    return end + 1;
  };
  const endOfRegex = (from: number): number => {
    let end = from;
    let inClass = false;
    while (end < source.length && source[end] !== "\n" && (inClass || source[end] !== "/")) {
      if (source[end] === "[") inClass = true;
      if (source[end] === "]") inClass = false;
      end += source[end] === "\\" ? 2 : 1;
    }
    return end + 1;
  };
  /** Skips template text up to its closing backtick, or up to the next `${`. */
  const templateText = (from: number): number => {
    let end = from;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) end += source[end] === "\\" ? 2 : 1;
    if (source.startsWith("${", end)) {
      templates.push(0);
      end += 2;
    } else {
      end += 1;
    }
    blank(from, end);
    return end;
  };

  while (at < source.length) {
    const character = source[at] ?? "";
    let end = at + 1;
    if (source.startsWith("//", at) || (at === 0 && source.startsWith("#!"))) {
      end = source.indexOf("\n", at);
      if (end === -1) end = source.length;
      blank(at, end);
    } else if (source.startsWith("/*", at)) {
      end = source.indexOf("*/", at + 2) + 2;
      if (end === 1) end = source.length;
      blank(at, end);
    } else if (character === '"' || character === "'") {
      end = endOfQuoted(character, at + 1);
      strings.push({ start: at, end });
      blank(at, end);
      // The quotes stay, so that the statement's shape can still be read.
      code[at] = code[end - 1] = '"';
    } else if (character === "`") {
      code[at] = " ";
      end = templateText(at + 1);
    } else if (character === "/" && BEFORE_EXPRESSION.test(code.slice(Math.max(0, at - 40), at).join(""))) {
      end = endOfRegex(at + 1);
      blank(at, end);
      code[at] = "0";
    } else if (templates.length > 0 && character === "{") {
      templates[templates.length - 1] = (templates.at(-1) ?? 0) + 1;
    } else if (templates.length > 0 && character === "}") {
      const open = templates.pop() ?? 0;
      if (open > 0) templates.push(open - 1);
      else {
        code[at] = " ";
        end = templateText(end);
      }
    }
    at = end;
  }
  return { code: code.join(""), strings };
}

// In masked code a specifier is two quotes with spaces between them; names are letters, and braces cannot nest.
const STATEMENTS: readonly RegExp[] = [
  /(?<![.\w$])import\s+(?<type>type\s+(?!from\b|,))?[\w$*{}\s,]*?\bfrom\s*(?<quote>" *")/g,
  /(?<![.\w$])import\s*(?<quote>" *")/g,
  /(?<![.\w$])export\s+(?<type>type\s+)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^{}]*\})\s*from\s*(?<quote>" *")/g,
  /(?<![.\w$])import\s*\(\s*(?<quote>" *")/g,
];

export function scanImports(source: string): ScannedModule {
  const { code, strings } = mask(source);
  const imports: (ImportStatement & { start: number })[] = [];
  for (const pattern of STATEMENTS) {
    for (const match of code.matchAll(pattern)) {
      const quote = match.groups?.["quote"] ?? "";
      const start = match.index + match[0].length - quote.length;
      const literal = strings.find((candidate) => candidate.start === start);
      if (literal === undefined) continue;
      imports.push({
        start,
        specifier: source.slice(literal.start + 1, literal.end - 1),
        typeOnly: match.groups?.["type"] !== undefined,
        line: source.slice(0, match.index).split("\n").length,
      });
    }
  }
  imports.sort((a, b) => a.start - b.start);
  return { imports: imports.map(({ specifier, typeOnly, line }) => ({ specifier, typeOnly, line })), code };
}
