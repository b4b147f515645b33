import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { formatBytes, UsageError } from "../kernel/index.ts";
import type { Protected } from "../operations/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { addVaultOptions, keysDocument, printInit, printKeys, vaultOptions } from "./init.ts";
import type { Io } from "./io.ts";
import { startProgress } from "./progress.ts";
import { keepHeapSmall } from "./keep-heap-small.ts";

export function protectCommand(runner: Runner): Command {
  const about = {
    summary: "from nothing to safe: detect, back up, verify, prove by a restore into scratch",
    examples: ["protect", "protect /srv/agent --vault /mnt/backup/agent", "protect --format archive"],
  };
  const command = makeCommand("protect", about, runner, async (context) => {
    const { io, args, options } = context;
    if (args[0] !== undefined && options["config"] !== undefined)
      throw new UsageError("USAGE", "A folder and --config name two instances", { hint: "Give one of them" });
    const folder = resolve(io.cwd, String(args[0] ?? "."));
    const { backupResult, init, protect } = await import("../operations/index.ts");
    const { openInstance } = await import("../app/index.ts");
    let file =
      options["config"] === undefined
        ? ["holdfast.yaml", "holdfast.yml", "holdfast.json"].map((name) => join(folder, name)).find((path) => existsSync(path))
        : String(options["config"]);
    let detected: Awaited<ReturnType<typeof init>> | undefined;
    if (file === undefined) {
      detected = await init({
        folder,
        env: io.env,
        ...vaultOptions(context),
      });
      file = detected.file;
      printInit(io, detected);
      printKeys(io, detected);
    } else {
      const idle = (["vault", "format", "keyFile"] as const).find((name) => options[name] !== undefined);
      if (idle !== undefined)
        throw new UsageError("USAGE", `"${file}" says where the backups go, and how`, {
          hint: `Change \`backup\` there, or leave --${idle === "keyFile" ? "key-file" : idle} out`,
        });
      io.print(`Using ${file}`);
    }
    const instance = openInstance({ config: file, env: io.env, cwd: io.cwd, onRemark: io.remark });
    keepHeapSmall();
    using progress = startProgress(io);
    const done = await protect(instance, { signal: io.signal, onProgress: (state) => progress.update(state) });
    progress[Symbol.dispose]();
    const result = backupResult(done.outcome);
    io.document({
      schema: "holdfast.protected/1",
      config: file,
      backup: result,
      verified: done.verified,
      proof: done.proof,
      keys: detected === undefined ? null : keysDocument(detected),
      detection: detected?.detection ?? null,
    });
    printProof(io, done);
    for (const line of [...result.alarms, ...result.warnings]) io.remark(`${io.paint.yellow("warning")} ${line}`);
    for (const { name, reason } of result.not_captured) io.remark(`${io.paint.red("not captured")} ${name}: ${reason}`);
    printNext(io, file);
    return result.status === "complete" && result.alarms.length === 0 ? 0 : 3;
  }).argument("[folder]", "the folder that holds the state; this one unless given");
  return addVaultOptions(command);
}

function printProof(io: Io, { outcome, verified, proof }: Protected): void {
  const { manifest } = outcome.head;
  const tick = io.paint.green("ok");
  io.print();
  io.print(
    `${tick}  captured  ${outcome.head.id}: ${manifest.components.length} components, ${formatBytes(manifest.size_bytes)}, stored in ${formatBytes(manifest.stored_bytes)}`,
  );
  io.print(`${tick}  verified  ${verified.entries} entries read back, every byte as recorded`);
  io.print(`${tick}  proved    restored into scratch and removed again: ${proof.entries} entries, ${formatBytes(proof.bytes)}`);
  for (const { path, complaint, damaged } of proof.databases) {
    const sign = complaint === null ? tick : damaged ? io.paint.red("!!") : io.paint.yellow("! ");
    io.print(`    ${sign}  ${path}: ${complaint ?? "integrity_check ok"}`);
  }
}

function printNext(io: Io, file: string): void {
  io.print(`
Next:
  holdfast status                        what is safe, and what is not
  holdfast ls latest                     look inside
  holdfast restore latest --to DIR       the bytes back in another folder
  holdfast daemon                        backups on schedule, in the foreground
Or from cron, looking at its exit code:
  0 */6 * * *  holdfast --config ${file} backup --trigger scheduled --quiet`);
}
