import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageTarball } from "./package-tarball.ts";

/** Builds and packs the package as it would be published, and holds the tarball to publint and to "are the types wrong". */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "holdfast-package-"));

interface TypesReport {
  readonly analysis?: { readonly entrypoints?: Readonly<Record<string, unknown>> };
}

try {
  execFileSync(process.execPath, [join(root, "scripts/build.ts")], { cwd: root, stdio: "inherit" });
  const tarball = packageTarball(root, folder);
  const run = (tool: string, ...args: string[]): { status: number | null; stdout: string } =>
    spawnSync(join(root, "node_modules/.bin", tool), args, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 2 ** 28,
    });

  const publint = run("publint", "run", tarball.path, "--strict");
  console.log(publint.stdout.trim());
  // CommonJS callers load an ES module with require() since Node 22; the profile says that this is meant.
  const types = run("attw", tarball.path, "--profile", "esm-only", "--no-definitely-typed", "--format", "json");
  const report = JSON.parse(types.stdout) as TypesReport;
  const entries = Object.keys(report.analysis?.entrypoints ?? {}).length;
  if (types.status !== 0)
    console.log(run("attw", tarball.path, "--profile", "esm-only", "--no-definitely-typed", "--format", "ascii").stdout);
  console.log(`package: ${tarball.files} files, ${entries} entry points`);
  process.exitCode = publint.status === 0 && types.status === 0 && entries > 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
