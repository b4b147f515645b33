import { existsSync } from "node:fs";
import { join } from "node:path";
import { CommanderError, type Command } from "commander";
import { HoldfastError, InterruptedError, namedSystemError, ownProcess, redact, redactData, UsageError } from "../kernel/index.ts";
import type { Instance } from "../operations/index.ts";
import type { Runner } from "./command.ts";
import { makeIo, type Io } from "./io.ts";
import { buildProgram } from "./program.ts";
import { printableLines } from "./table.ts";

export { resetV8Flags } from "../kernel/index.ts";

/**
 * Runs one command line. Never ends the process itself: the launcher does, with the code that this returns.
 *
 * @param argv arguments after the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  ownProcess();
  const env = { ...process.env };
  // What is started without being told its environment is not started under the lease: a runtime would hold it for ever.
  delete process.env["HOLDFAST_LEASE"];
  const json = argv.includes("--json") && !argv.slice(0, argv.indexOf("--json")).includes("--");
  const stopping = new AbortController();
  let forward: ((signal: NodeJS.Signals) => void) | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (forward !== undefined) return forward(signal);
    if (stopping.signal.aborted) process.kill(process.pid, "SIGKILL");
    stopping.abort(new InterruptedError("INTERRUPTED", `Stopped by ${signal}; nothing half-made is left`));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") unwritten ??= error;
  });
  let unwritten: Error | undefined;
  let exitCode = 0;
  const runner: Runner = async (action, command) => {
    const options = command.optsWithGlobals();
    const io = makeIo(
      { json: options["json"] === true, quiet: options["quiet"] === true, progress: options["progress"] === true },
      env,
      stopping.signal,
    );
    exitCode = await action({
      io,
      instance: (how) => loadInstance(io, options["config"], how?.blocking ?? true),
      args: command.processedArgs as string[],
      options,
      takeSignals: (take) => {
        forward = take;
        process.on("SIGHUP", onSignal);
      },
    });
  };
  const program = quietly(buildProgram(runner, commandIn(argv)), json);
  try {
    await program.parseAsync(argv, { from: "user" });
    await new Promise((resolve) => process.stdout.write("", resolve));
    if (unwritten !== undefined) throw namedSystemError(unwritten, "write the result");
    return exitCode;
  } catch (error) {
    return report(error, json, stopping.signal);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
  }
}

/** The word that names the command. undefined where anything stands before it that is not known to the letter: then all commands are made. */
function commandIn(argv: readonly string[]): string | undefined {
  for (let next = 0; next < argv.length; next += 1) {
    const word = argv[next] ?? "";
    if (word === "-c" || word === "--config") next += 1;
    else if (!word.startsWith("-")) return word;
    else if (!["--json", "--quiet", "-q", "--progress"].includes(word)) return undefined;
  }
  return undefined;
}

async function loadInstance(io: Io, config: unknown, blocking: boolean): Promise<Instance> {
  const { openInstance } = await import("../app/index.ts");
  const instance = openInstance({
    ...(typeof config === "string" ? { config } : {}),
    env: io.env,
    cwd: io.cwd,
    onRemark: io.remark,
    blocking,
  });
  // Not read here: what only looks must start fast, and what changes anything settles it first.
  if (existsSync(join(instance.config.stateDir, "restore", "journal.json")))
    io.remark("A restore of this instance is running, or was cut off and is not settled: see holdfast status");
  return instance;
}

/** Commander throws instead of ending the process, in every subcommand, and keeps its text out of a JSON document. */
function quietly(program: Command, json: boolean): Command {
  program.exitOverride();
  if (json) program.configureOutput({ writeErr: () => {} });
  for (const command of program.commands) quietly(command, json);
  return program;
}

function report(error: unknown, json: boolean, signal: AbortSignal): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (json) printError(usageError(error).toJSON());
    return 2;
  }
  const failure = failureOf(error, signal);
  if (json) printError(failure.toJSON());
  else process.stderr.write(`${printableLines(redact(textOf(failure)))}\n`);
  if (failure.row.kind === "internal" && !json) process.stderr.write(`${redact(String(failure.stack))}\n`);
  return failure.row.exit;
}

/** Whatever fails after a signal failed because of it, except what has to be told all the same: a runtime that stayed paused. */
function failureOf(error: unknown, { aborted, reason }: AbortSignal): HoldfastError {
  const told = error instanceof InterruptedError || (error instanceof HoldfastError && error.code === "PAUSE_FAILED");
  return aborted && reason instanceof HoldfastError && !told ? reason : namedSystemError(error, "go on");
}

/** Commander's complaint: what is wrong on the first line, what was meant in brackets on the second. */
function usageError({ code, message }: CommanderError): UsageError {
  if (code === "commander.help")
    return new UsageError("USAGE", "No command was named", { hint: "See what there is with: holdfast --help" });
  const [complaint = "", meant] = message.replace(/^error: /, "").split("\n");
  return new UsageError(
    "USAGE",
    complaint.slice(0, 1).toUpperCase() + complaint.slice(1),
    meant === undefined ? {} : { hint: meant.replaceAll(/^\(|\)$/g, "") },
  );
}

function textOf(failure: HoldfastError): string {
  const hint = failure.hint === undefined ? "" : `\n  ${failure.hint}`;
  return `holdfast: ${failure.message}${hint}`;
}

function printError(error: Record<string, unknown>): void {
  const document = { schema: "holdfast.error/1", error: redactData(error) };
  process.stdout.write(`${JSON.stringify(document, null, process.argv.includes("--progress") ? 0 : 2)}\n`);
}
