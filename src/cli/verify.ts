import type { Command } from "commander";
import { formatBytes, UsageError } from "../kernel/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { startProgress } from "./progress.ts";
import { keepYoungGenerationSmall } from "./young-generation.ts";

export function verifyCommand(runner: Runner): Command {
  const about = {
    summary: "read backups back and check every byte",
    examples: ["verify", "verify latest", "verify --all --json"],
    notYet: ["--sample <part>"],
  };
  return makeCommand("verify", about, runner, async ({ io, instance, args, options }) => {
    const references = (args[0] ?? []) as readonly string[];
    const all = options["all"] === true;
    if (all && references.length > 0) throw new UsageError("USAGE", "Give ids or --all, not both");
    const { verify } = await import("../operations/index.ts");
    const opened = await instance();
    keepYoungGenerationSmall();
    using progress = startProgress(io);
    let bytes = 0;
    const report = await verify(opened, {
      ...(references.length === 0 ? {} : { references }),
      all,
      signal: io.signal,
      onBytes: (more) => progress.update({ phase: "verify", component: null, bytes: (bytes += more), expected: null }),
    });
    progress[Symbol.dispose]();
    io.document({ schema: "holdfast.verified/1", ...report });
    for (const { id, ok, entries, bytes: size, problem } of report.results) {
      io.print(
        ok
          ? `${io.paint.green("verified")} ${id}: ${entries} entries, ${formatBytes(size)} read back and matched`
          : `${io.paint.red("DAMAGED")} ${id}: ${problem}`,
      );
    }
    for (const line of report.vault) io.print(`${io.paint.red("vault")} ${line}`);
    if (report.results.length === 0) io.print("Nothing to verify");
    return report.vault.length > 0 || report.results.some(({ ok }) => !ok) ? 4 : 0;
  })
    .argument("[id...]", "ids; the newest unless given")
    .option("--all", "every backup in the vault");
}
