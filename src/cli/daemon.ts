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
  return makeCommand("daemon", about, runner, async ({ io, instance }) => {
    const { runDaemon } = await import("../daemon/index.ts");
    await runDaemon({ instance: await instance({ blocking: false }), log: logTo(io), signal: io.signal });
    return 0;
  });
}

type Level = "debug" | "info" | "warn" | "error";

/** One line for each word: text for people, JSON Lines with --json. */
export function logTo(io: Io): (level: Level, message: string, about?: { readonly task?: string }) => void {
  const colours = { debug: io.paint.dim, info: io.paint.green, warn: io.paint.yellow, error: io.paint.red };
  return (level, message, about = {}) => {
    if (level === "debug" && io.quiet) return;
    const time = new Date().toISOString();
    const text = redact(message);
    if (io.json) {
      process.stdout.write(`${JSON.stringify({ time, level, ...about, message: text })}\n`);
      return;
    }
    io.print(printableLines(`${time} ${colours[level](level.toUpperCase().padEnd(5))} ${text}`));
  };
}
