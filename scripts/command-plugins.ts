import { readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import type { Plugin } from "rolldown";

/** Tells a module its own place among the emitted ones. @param chunk path of a file of the bundle among them */
export function ownPlace(dist: string, chunk: string): Plugin {
  return {
    name: "own-place",
    transform: (code, id) => {
      const path = relative(dist, id);
      if (path.startsWith("..") || !code.includes("import.meta")) return null;
      const placed = code.replaceAll(
        "import.meta.url",
        `new URL(${JSON.stringify(posix.relative(posix.dirname(chunk), path))}, import.meta.url).href`,
      );
      if (/import\.meta\.(?!url\b)/.test(placed)) throw new Error(`${path}: only import.meta.url is known to the bundle`);
      return placed;
    },
  };
}

/** Doors are for people: what is loaded when needed is loaded from the module that has it, without its room's other ones. */
export function behindDoors(dist: string): Plugin {
  return {
    name: "behind-doors",
    transform: (code, id) => {
      if (relative(dist, id).startsWith("..")) return null;
      return code.replaceAll(/const \{([^}]+)\} = await import\("([^"]+\/index\.js)"\);/g, (statement, names: string, from: string) => {
        const door = passedOn(join(dirname(id), from));
        const modules = Map.groupBy(namesIn(names), (name) => door.get(name));
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
const RARE: readonly string[] = [
  "node:child_process",
  "node:fs/promises",
  "node:readline",
  "node:readline/promises",
  "node:stream/promises",
  "node:v8",
  "node:worker_threads",
];

export function isRare(id: string): boolean {
  return RARE.includes(id);
}

/** The same in a thread, which has this one loaded. */
export function isRareInThread(id: string): boolean {
  return isRare(id) && id !== "node:worker_threads";
}

/** Loads them when something of theirs is called. What they export and the command uses is functions and classes. */
export function rareBuiltins(rare: (id: string) => boolean): Plugin {
  return {
    name: "rare-builtins",
    resolveId: (id) => (rare(id) ? { id: `rare:${id}` } : null),
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
    for (const name of namesIn(names)) found.set(name, join(dirname(door), from));
  }
  return found;
}

function namesIn(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
