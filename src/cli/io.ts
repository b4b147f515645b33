import { redact } from "../kernel/index.ts";
import { printableLines } from "./table.ts";

/** Where a command writes and what it may assume about its reader. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly json: boolean;
  readonly quiet: boolean;
  /** A person can be asked. */
  readonly interactive: boolean;
  /** Progress may redraw a line on stderr. */
  readonly live: boolean;
  /** Progress as JSON Lines on stdout, for a program that embeds the engine. */
  readonly jsonProgress: boolean;
  readonly signal: AbortSignal;
  readonly paint: Paint;
  /** Text for people; nothing with --json. */
  readonly print: (text?: string) => void;
  /** One JSON document; nothing without --json. */
  readonly document: (value: unknown) => void;
  /** Remarks for people on stderr, and an event with --json and --progress; nothing with --json alone or --quiet. */
  readonly remark: (text: string) => void;
}

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

function paintWith(colour: boolean): Paint {
  const code =
    (start: number, end: number) =>
    (text: string): string =>
      colour ? `\u001B[${start}m${text}\u001B[${end}m` : text;
  return { bold: code(1, 22), dim: code(2, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39) };
}

export function makeIo(
  options: { readonly json: boolean; readonly quiet: boolean; readonly progress: boolean },
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Io {
  const { json, quiet } = options;
  const { stdout } = process;
  const colour = stdout.isTTY && !json && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  return {
    env,
    cwd: process.cwd(),
    json,
    quiet,
    // Only when somebody asks: looking at a standard stream opens it.
    get interactive() {
      return process.stdin.isTTY && process.stderr.isTTY && !json;
    },
    get live() {
      return process.stderr.isTTY && !json && !quiet && env["TERM"] !== "dumb";
    },
    jsonProgress: json && options.progress,
    signal,
    paint: paintWith(colour),
    print: (text = "") => {
      if (!json) stdout.write(`${printableLines(text)}\n`);
    },
    document: (value) => {
      if (json) stdout.write(`${options.progress ? JSON.stringify(value) : JSON.stringify(value, null, 2)}\n`);
    },
    remark: (text) => {
      if (json && options.progress) stdout.write(`${JSON.stringify({ event: "remark", text: redact(text) })}\n`);
      if (!json && !quiet) process.stderr.write(`${printableLines(redact(text))}\n`);
    },
  };
}
