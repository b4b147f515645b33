import type { Command } from "commander";
import { formatBytes } from "../kernel/index.ts";
import type { InitResult } from "../operations/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { printable, table } from "./table.ts";

export function initCommand(runner: Runner): Command {
  const about = {
    summary: "look for state in a folder and write holdfast.yaml",
    examples: ["init", "init /srv/agent --vault /mnt/backup/agent"],
    notYet: ["--preset <name>"],
  };
  return makeCommand("init", about, runner, async ({ io, args, options }) => {
    const { init } = await import("../operations/index.ts");
    const result = await init({
      folder: String(args[0] ?? io.cwd),
      env: io.env,
      ...(options["vault"] === undefined ? {} : { vault: String(options["vault"]) }),
      ...(options["name"] === undefined ? {} : { name: String(options["name"]) }),
    });
    io.document({
      schema: "holdfast.init/1",
      file: result.file,
      name: result.name,
      vault: result.vault,
      vault_why: result.vaultWhy,
      ...result.detection,
    });
    printInit(io, result);
    io.print("\nNext: read holdfast.yaml, then run: holdfast backup");
    return 0;
  })
    .argument("[folder]", "the folder that holds the state; this one unless given")
    .option("--vault <folder>", "where the backups go")
    .option("--name <name>", "the instance's name; the folder's unless given");
}

export function printInit(io: Io, { file, vault, vaultWhy, detection }: InitResult): void {
  io.print(`Wrote ${file}`);
  io.print(`Backups go to ${vault} (${vaultWhy})\n`);
  const rows = detection.found.map(({ name, path, kind, bytes, suggested, why }) => [
    suggested ? "suggested" : "protected",
    name,
    kind,
    formatBytes(bytes),
    path,
    why,
  ]);
  io.print(table(["", "COMPONENT", "SOURCE", "SIZE", "PATH", "WHY"], rows, [3]));
  for (const { path, why } of detection.left) io.print(io.paint.dim(`not protected  ${printable(path)}: ${why}`));
}
