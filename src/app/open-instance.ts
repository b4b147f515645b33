import { openArchiveVault } from "../archive/index.ts";
import { findConfig, loadConfig, type Config } from "../config/index.ts";
import { systemClock, type Clock } from "../kernel/index.ts";
import type { Instance } from "../operations/index.ts";

export interface OpenInstanceOptions {
  /** As given on the command line; found upward from `cwd` when absent. */
  readonly config?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly clock?: Clock;
  readonly onRemark?: (text: string) => void;
}

/** Configuration to instance: the only place that decides what the ports are made of. */
export function openInstance(options: OpenInstanceOptions): Instance {
  const { env, cwd } = options;
  const file = findConfig({ ...(options.config === undefined ? {} : { flag: options.config }), env, cwd });
  return instanceOf(loadConfig({ file, env }), options);
}

/** The same from a configuration that is known already, and may not lie in its place yet. */
export function instanceOf(config: Config, options: Pick<OpenInstanceOptions, "env" | "clock" | "onRemark">): Instance {
  const clock = options.clock ?? systemClock;
  return {
    config,
    env: options.env,
    clock,
    remark: options.onRemark ?? (() => {}),
    openVault: ({ create = false } = {}) =>
      openArchiveVault({
        path: config.backup.path,
        instance: { name: config.name },
        compression: config.backup.compression,
        create,
        clock,
      }),
  };
}
