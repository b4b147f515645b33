import { resolve } from "node:path";
import type { Command } from "commander";
import { formatBytes } from "../kernel/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { keepHeapSmall } from "./keep-heap-small.ts";

export function exportCommand(runner: Runner): Command {
  const about = { summary: "write one backup as a portable .tar.gz", examples: ["export latest --output /mnt/usb/agent.tar.gz"] };
  return makeCommand("export", about, runner, async ({ io, instance, args, options }) => {
    const { exportTo } = await import("../operations/index.ts");
    const opened = await instance();
    keepHeapSmall();
    const { head, file, bytes } = await exportTo(opened, String(args[0]), resolve(io.cwd, String(options["output"])), io.signal);
    io.document({ schema: "holdfast.exported/1", id: head.id, file, bytes });
    io.print(`Wrote ${head.id} to ${file}, ${formatBytes(bytes)}`);
    return 0;
  })
    .argument("<id>", "id, unique prefix, latest, or latest:verified")
    .requiredOption("-o, --output <file>", "the file to write; never overwritten");
}

export function importCommand(runner: Runner): Command {
  const about = {
    summary: "take a portable .tar.gz into the vault, after checking every byte of it",
    examples: ["import /mnt/usb/agent.tar.gz"],
  };
  return makeCommand("import", about, runner, async ({ io, instance, args }) => {
    const { importFrom } = await import("../operations/index.ts");
    const opened = await instance();
    keepHeapSmall();
    const head = await importFrom(opened, resolve(io.cwd, String(args[0])), io.signal);
    io.document({ schema: "holdfast.imported/1", id: head.id, location: head.location });
    io.print(`Imported ${head.id}`);
    return 0;
  }).argument("<file>", "what `holdfast export` wrote");
}
