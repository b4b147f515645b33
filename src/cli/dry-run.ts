import { formatBytes } from "../kernel/index.ts";
import type { Instance } from "../operations/index.ts";
import type { ExitCode } from "./command.ts";
import type { Io } from "./io.ts";
import { table } from "./table.ts";

export async function printDryRun(io: Io, instance: Instance, components: readonly string[] | undefined): Promise<ExitCode> {
  const { dryRun } = await import("../operations/index.ts");
  const report = await dryRun(instance, components, io.signal);
  io.document({ schema: "holdfast.dry-run/1", ...report });
  const rows = report.components.flatMap(({ name, source, importance, files, bytes, folders, problem }) => [
    [name, source ?? "-", importance ?? "-", String(files), formatBytes(bytes), problem ?? ""],
    ...folders.map((folder) => [`  ${folder.path}`, "", "", String(folder.files), formatBytes(folder.bytes), ""]),
  ]);
  io.print(table(["COMPONENT", "SOURCE", "IMPORTANCE", "FILES", "SIZE", ""], rows, [3, 4]));
  io.print(`\n${formatBytes(report.bytes)} would be captured into ${report.vault}; nothing was taken`);
  for (const line of report.warnings) io.remark(`${io.paint.yellow("warning")} ${line}`);
  return report.components.some(({ problem }) => problem !== null) ? 3 : 0;
}
