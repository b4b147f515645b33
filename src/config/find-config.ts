import { lstatSync, statSync, type Stats } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError, errnoOf, namedSystemError } from "../kernel/index.ts";

/** Names that are looked for, the first in a folder wins. */
export const CONFIG_NAMES = ["holdfast.yaml", "holdfast.yml", "holdfast.json"] as const;

export interface FindRequest {
  /** What `--config` said. */
  readonly flag?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * The configuration file to use, absolute: what was asked for, else `HOLDFAST_CONFIG`, else the nearest upward from `cwd`.
 * One that is asked for is never replaced by one that is found.
 *
 * @throws ConfigError CONFIG_NOT_FOUND
 */
export function findConfig({ flag, env, cwd }: FindRequest): string {
  if (flag !== undefined) return named(flag, cwd, "--config");
  const variable = env["HOLDFAST_CONFIG"];
  if (variable !== undefined && variable !== "") return named(variable, cwd, "HOLDFAST_CONFIG");
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    for (const name of CONFIG_NAMES) {
      const file = join(folder, name);
      // A link that leads nowhere counts as found: going on upward would use another instance's configuration without a word.
      const stats = look(file, lstatSync);
      if (stats !== undefined && !stats.isDirectory()) return file;
    }
    if (folder === dirname(folder)) break;
  }
  throw new ConfigError("CONFIG_NOT_FOUND", `No ${CONFIG_NAMES[0]} in "${resolve(cwd)}" or in a folder above it`, {
    hint: "Write one with `holdfast init`, or name one with --config or HOLDFAST_CONFIG",
  });
}

function named(path: string, cwd: string, by: string): string {
  const file = resolve(cwd, path);
  const stats = path === "" ? undefined : look(file, statSync);
  if (stats === undefined) {
    throw new ConfigError("CONFIG_NOT_FOUND", `No configuration at "${path === "" ? path : file}", which ${by} names`, {
      hint: "Correct the path, or write a configuration with `holdfast init`",
    });
  }
  if (stats.isDirectory()) {
    throw new ConfigError("CONFIG_NOT_FOUND", `"${file}", which ${by} names, is a folder`, {
      hint: `Name the file itself, such as "${join(file, CONFIG_NAMES[0])}"`,
    });
  }
  return file;
}

function look(file: string, how: (path: string, options: { readonly throwIfNoEntry: false }) => Stats | undefined): Stats | undefined {
  try {
    return how(file, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return undefined;
    throw namedSystemError(error, `look for the configuration "${file}"`);
  }
}
