import type { Command } from "commander";
import { formatBytes } from "../kernel/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { table } from "./table.ts";

export function diffCommand(runner: Runner): Command {
  const about = {
    summary: "compare two backups, or one with the state as it is now",
    examples: ["diff latest", "diff 2026-03-15 2026-03-16", "diff latest --json"],
  };
  return makeCommand("diff", about, runner, async ({ io, instance, args }) => {
    const { diff } = await import("../operations/index.ts");
    const other = args[1] === undefined ? undefined : String(args[1]);
    const result = await diff(await instance(), String(args[0]), other, io.signal);
    io.document({ schema: "holdfast.diff/1", ...result });
    io.print(
      `From ${result.before} to ${result.after}: ${result.differences.length === 0 ? "no difference" : `${result.differences.length} differences`}`,
    );
    if (result.differences.length > 0) {
      const size = (bytes: number | null): string => (bytes === null ? "" : formatBytes(bytes));
      io.print(
        table(
          ["CHANGE", "BEFORE", "AFTER", "PATH"],
          result.differences.map(({ change, bytesBefore, bytesAfter, path }) => [change, size(bytesBefore), size(bytesAfter), path]),
          [1, 2],
        ),
      );
    }
    return 0;
  })
    .argument("<id>", "id, unique prefix, latest, or latest:verified")
    .argument("[other]", "the backup to compare with; the live state unless given");
}
