import type { Command } from "commander";
import { makeCommand, type Runner } from "./command.ts";
import { logTo } from "./log-to.ts";

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
      env: io.env,
      open: async () => await instance({ blocking: false }),
      log: await logTo(io, process.stdout),
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
      log: await logTo(io, process.stderr),
      onSignals: takeSignals,
    });
  }).argument("<command...>", "program and arguments, after --");
}
