import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { formatBytes, UsageError } from "../kernel/index.ts";
import { collect, makeCommand, type Runner } from "./command.ts";
import { startProgress } from "./progress.ts";
import { printable } from "./table.ts";
import { keepYoungGenerationSmall } from "./young-generation.ts";

export function restoreCommand(runner: Runner): Command {
  const about = {
    summary: "put a backup into another folder; nothing live is touched",
    examples: [
      "restore latest --to /tmp/restored",
      "restore latest --to ./out --component memory",
      "restore latest:verified --to ./out --path 'memory/notes/*.md'",
    ],
    notYet: ["--undo [id]", "--dry-run", "--no-restart", "--online", "--in-place", "--force", "--no-safety"],
  };
  return makeCommand("restore", about, runner, async ({ io, instance, args, options }) => {
    const to = options["to"];
    if (typeof to !== "string") {
      throw new UsageError("NOT_AVAILABLE", "`restore` in place is not available in this version", {
        hint: "Add --to DIR to restore into another folder",
      });
    }
    if (args[0] === undefined)
      throw new UsageError("USAGE", "Name the backup to restore", {
        hint: `For example: holdfast restore latest --to ${JSON.stringify(to)}`,
      });
    const { restore } = await import("../operations/index.ts");
    const opened = await instance();
    keepYoungGenerationSmall();
    using progress = startProgress(io);
    let bytes = 0;
    const { head, restored } = await restore(opened, String(args[0]), {
      to: resolve(io.cwd, to),
      owner: options["owner"] as "recorded" | "current",
      ...(options["component"] === undefined ? {} : { components: options["component"] as readonly string[] }),
      ...(options["path"] === undefined ? {} : { paths: options["path"] as readonly string[] }),
      signal: io.signal,
      onBytes: (more) => progress.update({ phase: "restore", component: null, bytes: (bytes += more), expected: null }),
    });
    progress[Symbol.dispose]();
    io.document({ schema: "holdfast.restored/1", id: head.id, ...restored });
    io.print(`Restored ${head.id} into ${restored.folder}`);
    io.print(`  ${restored.entries} entries, ${formatBytes(restored.bytes)}, each content compared with its hash`);
    for (const { path, complaint, damaged } of restored.databases) {
      io.print(
        `  ${printable(path)}: ${complaint === null ? io.paint.green("integrity_check ok") : (damaged ? io.paint.red : io.paint.yellow)(complaint)}`,
      );
    }
    return restored.databases.some(({ damaged }) => damaged) ? 4 : 0;
  })
    .argument("[id]", "id, unique prefix, latest, or latest:verified")
    .option("--to <folder>", "where to put it: a folder that is empty or does not exist")
    .option("--component <name>", "only this component (repeatable)", collect)
    .option("--path <glob>", "only what matches, over component/path (repeatable)", collect)
    .addOption(new Option("--owner <who>", "whose the files become").choices(["recorded", "current"]).default("recorded"))
    .option("-y, --yes", "do not ask (nothing is asked with --to)");
}
