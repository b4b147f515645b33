import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { redact } from "../kernel/index.ts";
import type { Level } from "./log.ts";

/**
 * What a task prints goes to a file and not through a pipe: it outlives a supervisor that is killed, and a task that goes
 * on without one never meets a closed pipe.
 */
export function openOutput(stateDir: string, task: string, run: number): { readonly path: string; readonly descriptor: number } {
  const folder = join(stateDir, "tasks", task);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of oldOutputs(folder)) rmSync(join(folder, name), { force: true });
  const path = join(folder, `${run}.log`);
  // Numbers begin anew with a ledger that does; what an earlier run of that number said is no word of this one.
  rmSync(path, { force: true });
  return { path, descriptor: openSync(path, "ax", 0o600) };
}

const KEPT_OUTPUTS = 20;

function oldOutputs(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^\d+\.log$/.test(name))
    .map((name) => ({ name, at: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .toSorted((a, b) => b.at - a.at)
    .slice(KEPT_OUTPUTS - 1)
    .map(({ name }) => name);
}

/** Of the end of an output. Bytes. */
const TAIL = 16 * 1024;
/** A document of our own names every file that changed while it was read. */
const LONGEST_DOCUMENT = 32 * 1024 * 1024;

/** What was printed last: enough for an outcome line, and for the whole document of one of our own commands. */
export function readTail(path: string, what: "line" | "document"): string {
  const most = what === "line" ? TAIL : LONGEST_DOCUMENT;
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, most));
    const read = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8", 0, read);
  } finally {
    closeSync(descriptor);
  }
}

const LAST_LINES = 10;

export function lastLines(tail: string): string {
  return redact(tail.trimEnd().split("\n").slice(-LAST_LINES).join("\n")).slice(-2000);
}

/** What a child says of its own run on a line of its output: the last such line counts. */
export interface ToldOutcome {
  readonly outcome: "deferred" | "completed" | "failed";
  readonly reason: string | null;
}

export function toldOutcome(tail: string): ToldOutcome | null {
  for (const line of tail.trimEnd().split("\n").toReversed()) {
    if (!line.startsWith("{")) continue;
    const value = parse(line);
    const outcome = value?.["outcome"];
    if (outcome === "deferred" || outcome === "completed" || outcome === "failed")
      return { outcome, reason: typeof value?.["reason"] === "string" ? value["reason"] : null };
  }
  return null;
}

/** The JSON document that one of our own commands ends its output with. */
export function lastDocument(tail: string): Readonly<Record<string, unknown>> | null {
  const lines = tail.trimEnd().split("\n");
  const start = lines.findLastIndex((line) => line.startsWith("{"));
  // Node itself may have something to say after it.
  const end = lines.findLastIndex((line) => line.endsWith("}"));
  return start === -1 ? null : (parse(lines.slice(start, end + 1).join("\n")) ?? null);
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Of one look. Bytes. */
const MOST = 256 * 1024;
/** Of a line that has not ended. Characters. */
const LONGEST_LINE = 64 * 1024;

/** Reads what was added to an output since the last look, in whole lines. */
export class OutputReader {
  readonly #path: string;
  #offset = 0;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
  }

  get size(): number {
    return this.#offset;
  }

  /** The line that nothing has ended, once nothing will. */
  rest(): string {
    const rest = this.#rest;
    this.#rest = "";
    return rest;
  }

  /** At most so many bytes at once: a task that prints faster is read over, and its file has it all. */
  read(most: number = MOST): string[] {
    const descriptor = openSync(this.#path, "r");
    try {
      const { size } = fstatSync(descriptor);
      // Somebody has cut it short, as those do who rotate logs.
      if (size < this.#offset) [this.#offset, this.#rest] = [0, ""];
      const skipped = Math.max(0, size - this.#offset - most);
      const buffer = Buffer.alloc(Math.min(most, size - this.#offset));
      const read = readSync(descriptor, buffer, 0, buffer.length, this.#offset + skipped);
      this.#offset += skipped + read;
      const text = (skipped > 0 ? "" : this.#rest) + buffer.toString("utf8", 0, read);
      const lines = text.split("\n");
      this.#rest = lines.pop() ?? "";
      if (this.#rest.length > LONGEST_LINE) {
        lines.push(this.#rest);
        this.#rest = "";
      }
      return skipped > 0 ? [`… ${skipped} bytes more in ${this.#path}`, ...lines.slice(1)] : lines;
    } finally {
      closeSync(descriptor);
    }
  }
}

const PREFIXES: readonly { readonly level: Level; readonly pattern: RegExp }[] = [
  { level: "error", pattern: /^\W{0,2}(?:ERROR|FATAL|CRITICAL)\b\W{0,3}/ },
  { level: "warn", pattern: /^\W{0,2}WARN(?:ING)?\b\W{0,3}/ },
  { level: "info", pattern: /^\W{0,2}INFO\b\W{0,3}/ },
  { level: "debug", pattern: /^\W{0,2}(?:DEBUG|TRACE)\b\W{0,3}/ },
];

/** A line's level by how it begins, as in "[WARN] slow" and "ERROR: no". */
export function levelOf(line: string): { readonly level: Level; readonly text: string } {
  for (const { level, pattern } of PREFIXES) {
    const found = pattern.exec(line);
    if (found !== null) return { level, text: line.slice(found[0].length) };
  }
  return { level: "info", text: line };
}
