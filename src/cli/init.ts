import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { formatBytes } from "../kernel/index.ts";
import type { InitOptions, InitResult } from "../operations/index.ts";
import { makeCommand, type CommandContext, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { printable, table } from "./table.ts";

export function initCommand(runner: Runner): Command {
  const about = {
    summary: "look for state in a folder, write holdfast.yaml, and make an encrypted vault with its key file and recovery sheet",
    examples: ["init", "init /srv/agent --vault /mnt/backup/agent", "init --key-file /media/stick/agent.key", "init --format archive"],
    notYet: ["--preset <name>"],
  };
  const command = makeCommand("init", about, runner, async (context) => {
    const { io, args, options } = context;
    const { init } = await import("../operations/index.ts");
    const result = await init({
      folder: String(args[0] ?? io.cwd),
      env: io.env,
      ...vaultOptions(context),
      ...(options["name"] === undefined ? {} : { name: String(options["name"]) }),
    });
    io.document({
      schema: "holdfast.init/1",
      file: result.file,
      name: result.name,
      vault: result.vault,
      vault_why: result.vaultWhy,
      ...keysDocument(result),
      ...result.detection,
    });
    printInit(io, result);
    printKeys(io, result);
    io.print("\nNext: read holdfast.yaml, then run: holdfast backup");
    return 0;
  })
    .argument("[folder]", "the folder that holds the state; this one unless given")
    .option("--name <name>", "the instance's name; the folder's unless given");
  return addVaultOptions(command);
}

/** What `init` and `protect` are asked of the vault that they make. */
export function addVaultOptions(command: Command): Command {
  return command
    .option("--vault <folder>", "where the backups go")
    .addOption(
      new Option("--format <form>", "repository: deduplicated, encrypted; archive: a .tar.gz per backup, that tar alone reads").choices([
        "repository",
        "archive",
      ]),
    )
    .option(
      "--key-file <file>",
      "where the key goes, or one that is there; of a repository. Off the disk of the state unless given, where that can be",
    );
}

export function vaultOptions({ io, options }: CommandContext): Pick<InitOptions, "vault" | "format" | "keyFile"> {
  const at = (name: string): string | undefined => (options[name] === undefined ? undefined : resolve(io.cwd, String(options[name])));
  const [vault, keyFile, format] = [at("vault"), at("keyFile"), options["format"] as InitOptions["format"]];
  return {
    ...(vault === undefined ? {} : { vault }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(format === undefined ? {} : { format }),
  };
}

/** Everything about the keys but the code: a document may end in a log. */
export function keysDocument({ format, keys }: InitResult): Record<string, unknown> {
  return {
    format,
    key_file: keys?.keyFile ?? null,
    fingerprint: keys?.fingerprint ?? null,
    recovery_sheet: keys?.recovery?.sheet ?? null,
  };
}

/** The one time that the recovery code is seen. */
export function printKeys(io: Io, { keys }: InitResult): void {
  if (keys === null) return;
  const { keyFile, keyWhy, fingerprint, besideState, recovery } = keys;
  io.print(`\nThe vault is encrypted. It opens with the key file ${printable(keyFile)}`);
  io.print(`  fingerprint ${fingerprint}; ${besideState ? io.paint.yellow(keyWhy) : keyWhy}`);
  if (recovery === null)
    return io.print("  and with the recovery code that was made together with it; another one: holdfast key show-recovery --new");
  io.print(`and with this recovery code, which is stored nowhere but on the sheet:\n\n    ${io.paint.bold(recovery.code)}\n`);
  io.print(`Recovery sheet: ${printable(recovery.sheet)}`);
  io.print(
    "Print it, keep it where neither this machine nor the backups are, and delete the file. Without key and code nobody reads a backup",
  );
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
