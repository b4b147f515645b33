import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../kernel/index.ts";
import type { Config } from "./config.ts";
import { loadConfig } from "./load-config.ts";

export interface TestProblem {
  readonly key: string;
  readonly message: string;
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly variable?: string;
}

export interface TestPlace extends Disposable {
  readonly folder: string;
  readonly file: string;
  /** A path in the folder. */
  join(...names: string[]): string;
  load(text: string | Uint8Array, env?: NodeJS.ProcessEnv): Config;
  /** The refusal; a configuration that loads fails the test. */
  refusal(text: string | Uint8Array, env?: NodeJS.ProcessEnv): ConfigError;
  problems(text: string | Uint8Array, env?: NodeJS.ProcessEnv): readonly TestProblem[];
}

/** The least that loads; tests add to it and break it. */
export const LEAST = "components:\n  state: { path: data }\nbackup:\n  path: /vault\n";

/** A folder with a configuration file, for tests of this room. */
export function testPlace(name = "holdfast.yaml"): TestPlace {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "holdfast-config-"));
  const file = join(folder, name);
  const load = (text: string | Uint8Array, env: NodeJS.ProcessEnv = {}): Config => {
    writeFileSync(file, text);
    return loadConfig({ file, env });
  };
  const refusal = (text: string | Uint8Array, env: NodeJS.ProcessEnv = {}): ConfigError => {
    try {
      load(text, env);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error(`This configuration was accepted: ${String(text)}`);
  };
  return {
    folder,
    file,
    join: (...names) => join(folder, ...names),
    load,
    refusal,
    problems: (text, env) => refusal(text, env).details?.["problems"] as readonly TestProblem[],
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
