import { resolve } from "node:path";
import type { Command } from "commander";
import { formatBytes, HoldfastError } from "../kernel/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { instanceOrFailure } from "./doctor.ts";

export function bundleCommand(runner: Runner): Command {
  const about = {
    summary: "write one redacted file with what somebody who helps has to know",
    examples: ["bundle", "bundle --output /tmp/for-support.tar.gz"],
  };
  return makeCommand("bundle", about, runner, async (context) => {
    const { io, options } = context;
    const { bundle } = await import("../operations/index.ts");
    const instance = await instanceOrFailure(context);
    const now = Date.now();
    const report = await bundle({
      instance,
      env: io.env,
      now,
      output: resolve(io.cwd, typeof options["output"] === "string" ? options["output"] : nameOf(instance, now)),
    });
    io.document({ schema: "holdfast.bundle/1", ...report });
    io.print(`Wrote ${report.file}, ${formatBytes(report.bytes)}: ${report.files.join(", ")}`);
    io.print(
      io.paint.dim("Without secrets, content, and names of files in components; read it before you give it away: tar -xzOf FILE | less"),
    );
    return 0;
  })
    .option("-o, --output <file>", "the file to write, never overwritten; holdfast-bundle-NAME-TIME.tar.gz here unless given")
    .addHelpText(
      "after",
      "\nIt holds the versions, the configuration in force, what doctor and status say, the list of backups, and the newest run.",
    );
}

function nameOf(instance: Awaited<ReturnType<typeof instanceOrFailure>>, now: number): string {
  const name = instance instanceof HoldfastError ? "host" : instance.config.name;
  return `holdfast-bundle-${name}-${new Date(now).toISOString().slice(0, 19).replaceAll(":", "-")}.tar.gz`;
}
