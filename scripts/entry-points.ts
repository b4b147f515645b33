import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** Where a module of src lies below what is emitted. */
export function emittedPath(path: string): string {
  return path.replace(/^src\//, "").replace(/\.ts$/, ".js");
}

/**
 * The modules of src that are started as a worker or a child and so are imported by nobody: those that a module names in
 * `entryPoint(import.meta.url, "./name")` or `entryPath(…)`. Paths relative to the checkout.
 *
 * @throws when a named module is not there
 */
export function findEntryPoints(root: string): string[] {
  const found = new Set<string>();
  for (const file of globSync("src/**/*.ts", { cwd: root })) {
    if (file.endsWith(".test.ts")) continue;
    const source = readFileSync(join(root, file), "utf8");
    for (const match of source.matchAll(/\bentry(?:Point|Path)\(\s*import\.meta\.url,\s*"([^"]+)",?\s*\)/g)) {
      const path = posix.join(dirname(file), `${match[1]}.ts`);
      if (!existsSync(join(root, path))) throw new Error(`${file}: starts "${path}", which is not there`);
      found.add(path);
    }
  }
  return [...found].toSorted();
}
