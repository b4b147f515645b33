import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, globSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCommand, COMMAND_FOLDER } from "./bundle-command.ts";
import { bundleThreads } from "./bundle-threads.ts";
import { emittedPath, findEntryPoints } from "./entry-points.ts";

/**
 * Emits src into dist for publishing, and the command a second time in a few files, to start fast. Everything is written
 * and checked beside dist first and then moved there, so that a process that runs from dist sees the old build or the new
 * one, and a build that fails changes nothing.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const fresh = mkdtempSync(join(root, "dist.new-"));
const old = `${fresh}.old`;

try {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", fresh], { cwd: root, stdio: "inherit" });
  const threads = findEntryPoints(root).map(emittedPath);
  const entries = [...["src/index.ts", "src/cli/main.ts", "src/cli/launch/launch.ts"].map(emittedPath), ...threads];
  const missing = entries.filter((path) => !existsSync(join(fresh, path)));
  if (missing.length > 0) throw new Error(`Not built: ${missing.join(", ")}`);
  const modules = globSync("**/*.js", { cwd: fresh }).length;
  const command = await bundleCommand(fresh);
  await bundleThreads(fresh, threads);
  if (!existsSync(join(fresh, COMMAND_FOLDER, "main.cjs")) || command.packages.length === 0) throw new Error("Not built: the command");
  // A temporary folder is for its owner alone.
  chmodSync(fresh, 0o755);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  console.log(`build: ${modules} modules, ${entries.length} entry points`);
  console.log(
    `command: ${command.modules} modules in ${command.chunks} files, with code of ${command.packages.length} packages: ${command.packages.join(", ")}`,
  );
} finally {
  for (const leftover of [fresh, old]) rmSync(leftover, { recursive: true, force: true });
}
