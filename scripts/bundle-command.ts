import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { rolldown, type OutputChunk, type Plugin } from "rolldown";

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
    external: (id) => id.startsWith("node:") && !RARE.includes(id),
    // No module of ours, and none of what it stands on, is imported for what it does and not for what it gives.
    treeshake: { moduleSideEffects: false },
    plugins: [ownPlace(dist), behindDoors(dist), rareBuiltins()],
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`Cannot bundle the command: ${log.message}`);
    },
  });
  const folder = join(dist, COMMAND_FOLDER);
  const { output } = await bundle.write({
    dir: folder,
    // CommonJS: a built-in that is imported as an ES module is loaded with everything that it would load when first used.
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    charset: "ascii",
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: {
      groups: [
        { name: "start", tags: ["$initial"], priority: 1 },
        { name: "instance", test: (id) => /^(?:app|archive|config|kernel|vault)\//.test(relative(dist, id)) },
      ],
    },
  });
  const chunks = output.filter((file) => file.type === "chunk");
  const names = new Set(chunks.map(({ fileName }) => fileName));
  const loose = chunks.flatMap((chunk) => chunk.imports).filter((name) => !name.startsWith("node:") && !names.has(name));
  if (loose.length > 0) throw new Error(`Not in the bundle: ${loose.join(", ")}`);
  const packages = packagesIn(chunks);
  writeFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), [...packages].map(([name, place]) => licenceOf(name, place)).join("\n"));
  return { chunks: chunks.length, modules: chunks.reduce((sum, chunk) => sum + chunk.moduleIds.length, 0), packages: [...packages.keys()] };
}

/** Tells a module its own place among the emitted ones; the chunks lie one folder below their top. */
function ownPlace(dist: string): Plugin {
  return {
    name: "own-place",
    transform: (code, id) => {
      const path = relative(dist, id);
      if (path.startsWith("..") || !code.includes("import.meta")) return null;
      const placed = code.replaceAll("import.meta.url", `new URL(${JSON.stringify(`../${path}`)}, import.meta.url).href`);
      if (/import\.meta\.(?!url\b)/.test(placed)) throw new Error(`${path}: only import.meta.url is known to the bundle`);
      return placed;
    },
  };
}

/** Doors are for people: what is loaded when needed is loaded from the module that has it, without its room's other ones. */
function behindDoors(dist: string): Plugin {
  return {
    name: "behind-doors",
    transform: (code, id) => {
      if (relative(dist, id).startsWith("..")) return null;
      return code.replaceAll(/const \{([^}]+)\} = await import\("([^"]+\/index\.js)"\);/g, (statement, names: string, from: string) => {
        const door = passedOn(join(dirname(id), from));
        const modules = Map.groupBy(
          names.split(",").map((name) => name.trim()),
          (name) => door.get(name),
        );
        // A door may have something of its own.
        if (modules.has(undefined)) return statement;
        const wanted = [...modules.values()].map((group) => `{ ${group.join(", ")} }`);
        const loaded = [...modules.keys()].map((module) => `import(${JSON.stringify(module)})`);
        return `const [${wanted.join(", ")}] = await Promise.all([${loaded.join(", ")}]);`;
      });
    },
  };
}

/** Built-ins that take milliseconds to load, and of which a run that only looks calls nothing. */
const RARE: readonly string[] = ["node:child_process", "node:readline", "node:readline/promises", "node:v8", "node:worker_threads"];

/** Loads them when something of theirs is called. What they export and the command uses is functions and classes. */
function rareBuiltins(): Plugin {
  return {
    name: "rare-builtins",
    resolveId: (id) => (RARE.includes(id) ? { id: `rare:${id}` } : null),
    load: async (id) => {
      const builtin = /^rare:(.*)$/.exec(id)?.[1];
      if (builtin === undefined) return null;
      const exported = Object.entries((await import(builtin)) as Record<string, unknown>);
      const late = exported.filter(([, value]) => typeof value === "function").map(([name]) => name);
      return [
        `const real = () => process.getBuiltinModule(${JSON.stringify(builtin)});`,
        ...late.map(
          (name) =>
            `export function ${name}(...args) { return new.target === undefined ? real().${name}(...args) : new (real().${name})(...args); }`,
        ),
        `export default { ${late.join(", ")} };`,
      ].join("\n");
    },
  };
}

/** The names that a door passes on, each with the module that has it. */
function passedOn(door: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, names = "", from = ""] of readFileSync(door, "utf8").matchAll(/^export \{([^}]+)\} from "([^"]+)";$/gm)) {
    for (const name of names.split(",")) found.set(name.trim(), join(dirname(door), from));
  }
  return found;
}

/** Name and folder of each package that the chunks hold code of. */
function packagesIn(chunks: readonly OutputChunk[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const id of chunks.flatMap((chunk) => chunk.moduleIds)) {
    const [, place, name] = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(id) ?? [];
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
