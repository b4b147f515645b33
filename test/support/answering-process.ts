import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

interface Answer {
  readonly result: unknown;
  readonly error?: unknown;
}

/** A process that answers every line on its input with one on its output, and says one before it is asked. */
export interface AnsweringProcess<First> {
  readonly child: ChildProcess;
  /** Its first line. */
  readonly first: First;
  /** Sends a command and gives the result; what it failed with is thrown. */
  ask<T>(command: unknown): Promise<T>;
  /** Resolves with the end of its output, whoever has that open. */
  readonly silent: Promise<void>;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
}

export interface AnsweringOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** An error as it came, as something to throw. */
  readonly errorOf?: (error: unknown) => Error;
}

export async function answeringProcess<First = Answer>(
  argv: readonly string[],
  { env = process.env, errorOf = (error) => new Error(String(error)) }: AnsweringOptions = {},
): Promise<AnsweringProcess<First>> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  lines.on("line", (line) => waiting.shift()?.resolve(line));
  const silent = once(lines, "close").then(() => {
    for (const { reject } of waiting.splice(0)) reject(new Error("The process ended before it answered"));
  });
  const answer = async (): Promise<unknown> =>
    JSON.parse(await new Promise<string>((resolve, reject) => waiting.push({ resolve, reject })));
  return {
    child,
    first: (await answer()) as First,
    ask: async <T>(command: unknown): Promise<T> => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { result, error } = (await answer()) as Answer;
      if (error !== undefined) throw errorOf(error);
      return result as T;
    },
    silent,
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}
