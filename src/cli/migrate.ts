import type { Command } from "commander";
import { makeCommand, type Runner } from "./command.ts";
import { logTo } from "./log-to.ts";
import { waitOf, waitOption } from "./wait-option.ts";

export function migrateCommand(runner: Runner): Command {
  const about = {
    summary: "take a backup, then run a migration: not at all when the backup failed; says the way back when the migration fails",
    examples: ["migrate -- npm run migrate", "migrate --wait 1h -- ./upgrade.sh 4", "migrate --force -- ./upgrade.sh"],
  };
  return makeCommand("migrate", about, runner, async ({ io, instance, args, options, takeSignals }) => {
    const { migrate, MIGRATION_WAIT } = await import("../operations/index.ts");
    const argv = args[0] as readonly string[];
    const log = await logTo(io, process.stderr);
    const migration = await migrate(await instance(), {
      argv,
      cwd: io.cwd,
      interactive: process.stdin.isTTY,
      force: options["force"] === true,
      wait: options["wait"] === undefined ? MIGRATION_WAIT : waitOf(options),
      log,
      signal: io.signal,
      onStart: takeSignals,
    });
    const { backup } = migration;
    if (!migration.ran) {
      process.stderr.write("holdfast: the migration was not run: there is no backup to go back to; --force runs it all the same\n");
      return backup.outcome === "deferred" ? 5 : 1;
    }
    if (migration.exitCode !== 0 && backup.outcome === "taken")
      process.stderr.write(
        `holdfast: the migration ended with exit code ${migration.exitCode}; the way back: holdfast restore ${backup.id}\n`,
      );
    return migration.exitCode;
  })
    .argument("<command...>", "program and arguments, after --")
    .addOption(waitOption().default(undefined, "10m"))
    .option("--force", "run it although its backup failed or was deferred");
}
