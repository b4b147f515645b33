import { fileURLToPath } from "node:url";

/**
 * The one way to find a worker or child entry: the sibling module with the extension that the
 * asking module itself has, so the same call works in the sources (.ts) and in the built package (.js).
 *
 * @param from `import.meta.url` of the asking module
 * @param name relative module name without extension, e.g. "./sqlite-child"
 */
export function entryPoint(from: string, name: string): URL {
  const extension = from.endsWith(".ts") ? ".ts" : ".js";
  return new URL(name + extension, from);
}

/** The same as a path, for child processes. */
export function entryPath(from: string, name: string): string {
  return fileURLToPath(entryPoint(from, name));
}
