import { isBuiltin } from "node:module";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { isRareInThread, ownPlace, rareBuiltins } from "./command-plugins.ts";

/**
 * The thread that loads a module which its backup names, and what it loads. Joined into files of their own each would have a kernel of
 * its own, and neither would know the other's errors.
 */
const APART: readonly string[] = ["restore/write-located-worker.js", "repository/read/located-contents.js"];

/**
 * Puts each module that is started as a thread or a child in one file, in its place: some of them are started while a backup
 * waits, and finding, reading and linking forty modules takes longer than what they are asked (docs/decisions/0009-start-up.md).
 *
 * @param dist folder of the emitted modules
 * @param entries in it
 * @throws when something in a bundle would be looked for at run time, or is no code of ours
 */
export async function bundleThreads(dist: string, entries: readonly string[]): Promise<void> {
  const missing = APART.filter((path) => !entries.includes(path));
  if (missing.length > 0) throw new Error(`No entry points any more: ${missing.join(", ")}`);
  for (const entry of entries.filter((path) => !APART.includes(path))) await bundleThread(dist, entry);
}

async function bundleThread(dist: string, entry: string): Promise<void> {
  await using bundle = await rolldown({
    cwd: dist,
    input: join(dist, entry),
    platform: "node",
    external: (id) => isBuiltin(id) && !isRareInThread(id),
    treeshake: { moduleSideEffects: (id) => id === join(dist, entry) },
    plugins: [ownPlace(dist, entry), rareBuiltins(isRareInThread)],
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`Cannot bundle ${entry}: ${log.message}`);
    },
  });
  const { output } = await bundle.write({ file: join(dist, entry), format: "es", comments: { annotation: false, jsdoc: false } });
  const [chunk, ...more] = output;
  if (more.length > 0) throw new Error(`${entry} is not one file`);
  const foreign = chunk.moduleIds.filter((id) => id.includes("/node_modules/"));
  if (foreign.length > 0) throw new Error(`${entry} holds code of others: ${foreign.join(", ")}`);
  const loose = [...chunk.imports, ...chunk.dynamicImports].filter((name) => !isBuiltin(name));
  if (loose.length > 0) throw new Error(`Not in ${entry}: ${loose.join(", ")}`);
}
