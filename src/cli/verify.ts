import type { Command } from "commander";
import { formatBytes, formatDuration, parsePart, UsageError } from "../kernel/index.ts";
import type { VerifyReport } from "../operations/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { startProgress } from "./progress.ts";
import { keepHeapSmall } from "./keep-heap-small.ts";

export function verifyCommand(runner: Runner): Command {
  const about = {
    summary: "read backups back and check every byte",
    examples: ["verify", "verify latest", "verify --all --json", "verify --sample 10%"],
  };
  return makeCommand("verify", about, runner, async ({ io, instance, args, options }) => {
    const references = (args[0] ?? []) as readonly string[];
    const all = options["all"] === true;
    const sample = sampleOf(options["sample"] as string | undefined);
    if (all && references.length > 0) throw new UsageError("USAGE", "Give ids or --all, not both");
    if (sample !== undefined && (all || references.length > 0))
      throw new UsageError("USAGE", `Give ${all ? "--all" : "ids"} or --sample, not both`, {
        hint: "A sample chooses by itself: what was read back longest ago comes first",
      });
    const { verify } = await import("../operations/index.ts");
    const opened = await instance();
    keepHeapSmall();
    using progress = startProgress(io);
    let bytes = 0;
    const report = await verify(opened, {
      ...(references.length === 0 ? {} : { references }),
      ...(sample === undefined ? {} : { sample }),
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
    if (report.sample !== undefined) printSample(io, report.sample, opened.clock.now(), opened.config.verify.maxAge);
    else if (report.results.length === 0) io.print("Nothing to verify");
    if (report.vault.length === 0 && report.results.every(({ ok }) => ok)) return 0;
    io.remark("What can be done about it: holdfast doctor");
    return 4;
  })
    .argument("[id...]", "ids; the newest unless given")
    .option("--all", "every backup in the vault")
    .option("--sample <part>", "in place of ids: so much of all bytes, such as 10%, what was read back longest ago first");
}

/** @throws UsageError USAGE */
function sampleOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const part = parsePart(text);
  if (part !== undefined) return part;
  throw new UsageError("USAGE", `Cannot read back a sample of "${text}"`, {
    hint: "Give a part of all bytes, above 0% and at most 100%: holdfast verify --sample 10%",
  });
}

function printSample(io: Io, sample: NonNullable<VerifyReport["sample"]>, now: number, maxAge: number): void {
  const { of, read, bytes, total, totalBytes, unread, oldest, verified, backups } = sample;
  if (total === 0) {
    io.print("Nothing to verify");
    return;
  }
  io.print(`Read back ${read} of ${total} ${of}, ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`);
  const age =
    oldest === null ? "" : `; the oldest verdict is of ${oldest.replace(/\.\d+Z$/, "Z")}, ${formatDuration(now - Date.parse(oldest))} ago`;
  io.print(`${unread === 0 ? `All ${of} have been read back` : `${unread} of ${total} ${of} were never read back`}${age}`);
  io.print(`${verified} of ${backups} backups were read back whole within ${formatDuration(maxAge)}, and matched`);
}
