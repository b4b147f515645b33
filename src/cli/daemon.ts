import type { Command } from "commander";
import { redact } from "../kernel/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { printableLines } from "./table.ts";

export function daemonCommand(runner: Runner): Command {
  const about = {
    summary: "run what is due: backups on schedule, tasks one heavy one at a time, services; in the foreground, until it is stopped",
    examples: ["daemon", "daemon --json | tee daemon.log", "--config /srv/acme/holdfast.yaml daemon"],
  };
  return makeCommand("daemon", about, runner, async ({ io, instance, takeSignals }) => {
    const { runDaemon } = await import("../daemon/index.ts");
    const stop = new AbortController();
    const giveUp = new AbortController();
    let reload = (): void => {};
    takeSignals((signal) => {
      if (signal === "SIGHUP") reload();
      else (stop.signal.aborted ? giveUp : stop).abort();
    });
    await runDaemon({
      open: async () => await instance({ blocking: false }),
      log: logTo(io, process.stdout),
      stop: stop.signal,
      giveUp: giveUp.signal,
      onReload: (how) => (reload = how),
    });
    return 0;
  }).addHelpText("after", "\nSIGTERM and SIGINT end it after the last backup, a second one at once; SIGHUP reads the configuration again.");
}

/** `holdfast run -- COMMAND…`: standard output is the program's, so that the log goes to standard error. */
export function runCommand(runner: Runner): Command {
  const about = {
    summary: "run any program with its state protected: a backup before it starts, on schedule, and after it has stopped; its exit code",
    examples: ["run -- python3 agent.py", "run -- docker compose up", "--config /srv/acme/holdfast.yaml run -- ./start-agent"],
  };
  return makeCommand("run", about, runner, async ({ io, instance, args, takeSignals }) => {
    const { runBeside } = await import("../daemon/index.ts");
    return await runBeside({
      instance: await instance({ blocking: false }),
      argv: args[0] as readonly string[],
      cwd: io.cwd,
      interactive: process.stdin.isTTY,
      log: logTo(io, process.stderr),
      onSignals: takeSignals,
    });
  }).argument("<command...>", "program and arguments, after --");
}

type Level = "debug" | "info" | "warn" | "error";

/** One line for each word: text for people, JSON Lines with --json. */
export function logTo(io: Io, stream: NodeJS.WriteStream): (level: Level, message: string, about?: { readonly task?: string }) => void {
  const colours = { debug: io.paint.dim, info: io.paint.green, warn: io.paint.yellow, error: io.paint.red };
  return (level, message, about = {}) => {
    if (io.quiet && (level === "debug" || level === "info")) return;
    const time = new Date().toISOString();
    const text = redact(message);
    const line = io.json
      ? JSON.stringify({ time, level, ...about, message: text })
      : printableLines(`${time} ${colours[level](level.toUpperCase().padEnd(5))} ${text}`);
    stream.write(`${line}\n`);
  };
}
