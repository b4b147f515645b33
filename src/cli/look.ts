import type { Command } from "commander";
import { formatBytes } from "../kernel/index.ts";
import type { Entry } from "../vault/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { printable, table } from "./table.ts";

const ID = "id, unique prefix, latest, or latest:verified";

function modeOf(entry: Entry): string {
  const letters = Array.from("rwxrwxrwx", (letter, bit) => ((entry.mode >> (8 - bit)) & 1 ? letter : "-")).join("");
  return `${{ file: "-", directory: "d", symlink: "l" }[entry.type]}${letters}`;
}

function instantOf(entry: Entry): string {
  return new Date(Number(BigInt(entry.mtime_ns) / 1_000_000n)).toISOString().slice(0, 19).replace("T", " ");
}

export function lsCommand(runner: Runner): Command {
  const about = {
    summary: "list what is inside a backup",
    examples: ["ls latest", "ls latest memory/notes", "ls latest memory --recursive --json"],
  };
  return makeCommand("ls", about, runner, async ({ io, instance, args, options }) => {
    const { ls } = await import("../operations/index.ts");
    const { head, entries } = await ls(await instance(), String(args[0]), String(args[1] ?? ""), options["recursive"] === true);
    io.document({
      schema: "holdfast.entries/1",
      id: head.id,
      entries: entries.map(({ path, entry }) => ({ ...entry, name: entry.path, path })),
    });
    const rows = entries.map(({ path, entry }) => [
      modeOf(entry),
      entry.user ?? String(entry.uid),
      entry.type === "file" ? formatBytes(entry.size) : "",
      instantOf(entry),
      `${path}${entry.type === "directory" ? "/" : ""}${entry.target === undefined ? "" : ` -> ${entry.target}`}`,
    ]);
    io.print(table(["MODE", "OWNER", "SIZE", "MODIFIED (UTC)", "PATH"], rows, [2]));
    return 0;
  })
    .argument("<id>", ID)
    .argument("[path]", "component/path; the top unless given")
    .option("-r, --recursive", "everything below as well");
}

/** Resolves when the pipe takes more, or when nobody reads it any longer. */
async function drained(): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      process.stdout.off("drain", done).off("error", done);
      resolve();
    };
    process.stdout.once("drain", done).once("error", done);
  });
}

export function catCommand(runner: Runner): Command {
  const about = {
    summary: "write one file of a backup to standard output",
    examples: ["cat latest memory/notes/today.md", "cat latest config > company.yaml"],
  };
  return makeCommand("cat", about, runner, async ({ io, instance, args }) => {
    const { cat } = await import("../operations/index.ts");
    const chunks: Uint8Array[] = [];
    await cat(await instance(), String(args[0]), String(args[1]), async (chunk) => {
      // The chunk is the reader's again as soon as this returns, and a pipe may take it later.
      const copy = Buffer.from(chunk);
      if (io.json) chunks.push(copy);
      else if (!process.stdout.write(copy)) await drained();
    });
    io.document({
      schema: "holdfast.content/1",
      path: String(args[1]),
      encoding: "base64",
      content: Buffer.concat(chunks).toString("base64"),
    });
    return 0;
  })
    .argument("<id>", ID)
    .argument("<path>", "component/path, or the name of a component that is one file");
}

export function findCommand(runner: Runner): Command {
  const about = { summary: "search the paths of all backups", examples: ["find '*.md'", "find 'memory/notes/2026-*' --json"] };
  return makeCommand("find", about, runner, async ({ io, instance, args }) => {
    const { find } = await import("../operations/index.ts");
    const found = await find(await instance(), String(args[0]));
    io.document({
      schema: "holdfast.found/1",
      found: found.map(({ backup, path, entry }) => ({
        backup,
        path,
        type: entry.type,
        size: entry.size,
        mtime_ns: entry.mtime_ns,
        sha256: entry.sha256 ?? null,
        pages_sha256: entry.pages_sha256 ?? null,
      })),
    });
    if (found.length === 0) io.print(`Nothing matches ${printable(String(args[0]))}`);
    else {
      const rows = found.map(({ backup, path, entry }) => [
        backup,
        formatBytes(entry.size),
        instantOf(entry),
        entry.sha256?.slice(0, 12) ?? "",
        path,
      ]);
      io.print(table(["BACKUP", "SIZE", "MODIFIED (UTC)", "SHA-256", "PATH"], rows, [1]));
    }
    return 0;
  }).argument("<glob>", "a gitignore pattern over component/path");
}
