/**
 * A process of its own that holds a pause and always ends it: when told, at its deadline, or when its pipe
 * closes because the engine died. It runs both commands itself, so that no moment exists in which the runtime
 * is paused and nobody is left who knows (home-assistant/core#105987: a lock that was never released).
 *
 * Line in: the request, then "resume". Lines out: GuardianMessage.
 */
import { createInterface } from "node:readline";
import { crashpoint, messageOf, redact, runCommand } from "../kernel/index.ts";

export interface GuardianRequest {
  readonly command: readonly string[];
  readonly resume: readonly string[];
  readonly timeout: number;
  readonly cwd: string;
}

export type GuardianMessage =
  | { readonly event: "paused" }
  | { readonly event: "failed"; readonly reason: string }
  | { readonly event: "resumed"; readonly by: "request" | "deadline" | "closed"; readonly problem: string | null };

const RESUME_ATTEMPTS = 3;

function say(message: GuardianMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function runStep(argv: readonly string[], request: GuardianRequest, signal?: AbortSignal): Promise<string | null> {
  try {
    const result = await runCommand(argv, { cwd: request.cwd, timeout: request.timeout, ...(signal === undefined ? {} : { signal }) });
    if (result.timedOut) return `"${argv[0]}" did not end within ${request.timeout} ms`;
    if (result.exitCode === 0) return null;
    const said = redact(result.stderr.trim().slice(-500));
    return `"${argv[0]}" ended with ${result.signal ?? `exit code ${result.exitCode}`}${said === "" ? "" : `: ${said}`}`;
  } catch (error) {
    return `"${argv[0]}" could not be run: ${messageOf(error)}`;
  }
}

async function hold(): Promise<void> {
  // Whoever signals the whole group means the engine; the guardian ends by finishing its work.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
  // A pipe that nobody reads any more must not stop the resume.
  process.stdout.on("error", () => {});
  const lines = createInterface({ input: process.stdin });
  const ended = Promise.withResolvers<"request" | "closed">();
  const abandoned = new AbortController();
  const first = Promise.withResolvers<string | null>();
  lines.on("line", (line) => (line === "resume" ? ended.resolve("request") : first.resolve(line)));
  lines.on("close", () => {
    first.resolve(null);
    ended.resolve("closed");
    abandoned.abort(new Error("The engine ended"));
  });
  const text = await first.promise;
  if (text === null) return;
  const request = JSON.parse(text) as GuardianRequest;

  let deadline: NodeJS.Timeout | undefined;
  const expired = new Promise<"deadline">((resolve) => {
    deadline = setTimeout(() => resolve("deadline"), request.timeout);
  });
  crashpoint("pause-requested");
  const failure = await runStep(request.command, request, abandoned.signal);
  say(failure === null ? { event: "paused" } : { event: "failed", reason: failure });
  // A pause command that failed may have paused half of the runtime: it is resumed all the same.
  const by = failure === null ? await Promise.race([ended.promise, expired]) : "request";
  clearTimeout(deadline);

  let problem: string | null = null;
  for (let attempt = 0; attempt < RESUME_ATTEMPTS; attempt += 1) {
    problem = await runStep(request.resume, request);
    if (problem === null) break;
  }
  say({ event: "resumed", by, problem });
  lines.close();
  process.stdin.destroy();
}

await hold();
