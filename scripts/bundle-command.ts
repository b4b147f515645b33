import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, relative } from "node:path";
import { rolldown, type OutputChunk } from "rolldown";
import { behindDoors, isRare, ownPlace, rareBuiltins } from "./command-plugins.ts";

/** Below the emitted sources, where the launcher looks for it. */
export const COMMAND_FOLDER = "command";

export interface CommandBundle {
  readonly chunks: number;
  readonly modules: number;
  /** Packages whose code is in the chunks, and whose licences lie beside them. */
  readonly packages: readonly string[];
}

/**
 * Joins the command's graph into a few files beside the emitted modules (docs/decisions/0009-start-up.md). Whatever a
 * module finds from its own place, such as workers, children and package.json, it still finds: it is told the place of
 * the module that it was made from.
 *
 * @param dist folder of the emitted modules
 * @throws when something in the bundle would be looked for at run time, or has no licence
 */
export async function bundleCommand(dist: string): Promise<CommandBundle> {
  await using bundle = await rolldown({
    cwd: dist,
    input: { main: join(dist, "cli/main.js") },
    platform: "node",
    external: (id) => isBuiltin(id) && !isRare(id),
    // No module of ours, and none of what it stands on, is imported for what it does and not for what it gives.
    treeshake: { moduleSideEffects: false },
    plugins: [ownPlace(dist, `${COMMAND_FOLDER}/main.cjs`), behindDoors(dist), rareBuiltins(isRare)],
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`Cannot bundle the command: ${log.message}`);
    },
  });
  const folder = join(dist, COMMAND_FOLDER);
  const { output } = await bundle.write({
    dir: folder,
    // CommonJS: a built-in that is imported as an ES module is loaded with everything that it would load when first used.
    format: "cjs",
    // In a script that is compiled with what was kept of it an import is an experiment of Node's.
    dynamicImportInCjs: false,
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    charset: "ascii",
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: {
      // Each group takes all that its modules import, but for what a group before it took. A backup loads seven files so, and not 28,
      // while `list` and `status` load no code but their own.
      groups: [
        { name: "start", tags: ["$initial"], priority: 5 },
        { name: "instance", test: (id) => /^(?:app|archive|config|kernel|vault)\//.test(relative(dist, id)), priority: 4 },
        ...["list", "status", "backup"].map((name, index) => ({
          name,
          test: (id: string): boolean => relative(dist, id) === `operations/${name}.js`,
          priority: 3 - index,
        })),
      ],
    },
  });
  const chunks = output.filter((file) => file.type === "chunk");
  const names = new Set(chunks.map(({ fileName }) => fileName));
  const loose = chunks.flatMap((chunk) => chunk.imports).filter((name) => !isBuiltin(name) && !names.has(name));
  if (loose.length > 0) throw new Error(`Not in the bundle: ${loose.join(", ")}`);
  const importing = chunks.filter(({ code }) => /\bimport\(/.test(code)).map(({ fileName }) => fileName);
  if (importing.length > 0) throw new Error(`These files of the bundle import while they run: ${importing.join(", ")}`);
  await bundleLauncher(dist, folder);
  const packages = packagesIn(chunks);
  writeFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), [...packages].map(([name, place]) => licenceOf(name, place)).join("\n"));
  return { chunks: chunks.length, modules: chunks.reduce((sum, chunk) => sum + chunk.moduleIds.length, 0), packages: [...packages.keys()] };
}

/** What loads the chunks, in a file of its own: nothing that it needs may be in one of them. */
async function bundleLauncher(dist: string, folder: string): Promise<void> {
  await using bundle = await rolldown({ cwd: dist, input: join(dist, "cli/launch/launch.js"), platform: "node", external: isBuiltin });
  await bundle.write({ file: join(folder, "launch.cjs"), format: "cjs", comments: { annotation: false, jsdoc: false } });
}

/** Name and folder of each package that the chunks hold code of; a folder whose name begins with a dot is a cache and no package. */
function packagesIn(chunks: readonly OutputChunk[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const id of chunks.flatMap((chunk) => chunk.moduleIds)) {
    const [, place, name] = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/.][^/]*))\//.exec(id) ?? [];
    if (place !== undefined && name !== undefined) found.set(name, place);
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function licenceOf(name: string, place: string): string {
  const file = readdirSync(place).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file, and its code is in the command`);
  const { version } = JSON.parse(readFileSync(join(place, "package.json"), "utf8")) as { version: string };
  return `${name} ${version}\n\n${readFileSync(join(place, file), "utf8").trim()}\n`;
}
