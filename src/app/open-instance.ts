import { join } from "node:path";
import { openArchiveVault } from "../archive/index.ts";
import { findConfig, loadConfig, type Config } from "../config/index.ts";
import { ListingCache } from "../local-vault/index.ts";
import { systemClock, type Clock } from "../kernel/index.ts";
import { LEASE_VARIABLE, sqliteLease } from "../lease/index.ts";
import { engineCommand, runEngine } from "./engine-process.ts";
import { secretsOf, type Instance } from "../operations/index.ts";
import { openRepositoryVault, type Secret } from "../repository/index.ts";
import type { Vault } from "../vault/index.ts";

export interface OpenInstanceOptions {
  /** As given on the command line; found upward from `cwd` when absent. */
  readonly config?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly clock?: Clock;
  readonly onRemark?: (text: string) => void;
  /** Whether the disk may hold up this thread: not that of a daemon or a host. */
  readonly blocking?: boolean;
}

/** Configuration to instance: the only place that decides what the ports are made of. */
export function openInstance(options: OpenInstanceOptions): Instance {
  const { env, cwd } = options;
  const file = findConfig({ ...(options.config === undefined ? {} : { flag: options.config }), env, cwd });
  return instanceOf(loadConfig({ file, env }), options);
}

/** The same from a configuration that is known already, and may not lie in its place yet. */
export function instanceOf(config: Config, options: Pick<OpenInstanceOptions, "env" | "clock" | "onRemark" | "blocking">): Instance {
  const clock = options.clock ?? systemClock;
  // A runtime that a restore starts must not look like work under the lease that the restore was started under.
  const { [LEASE_VARIABLE]: leaseToken, ...env } = options.env;
  // Whoever lives long asks again and again; whoever runs once reads everything itself.
  const listings = options.blocking === false ? { listings: new ListingCache() } : {};
  return {
    config,
    env,
    leaseToken: leaseToken === undefined || leaseToken === "" ? null : leaseToken,
    runEngine: (run) => runEngine({ ...run, args: ["--config", config.file, ...run.args] }, options.env),
    engine: (args) => engineCommand(["--config", config.file, ...args]),
    openLease: () => sqliteLease({ stateDir: config.stateDir, blocking: options.blocking ?? true }),
    clock,
    remark: options.onRemark ?? (() => {}),
    openVault: vaultOpener(config, { env, clock, ...listings }),
  };
}

interface OpenerParts {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly listings?: ListingCache;
}

/** In the form that the configuration says; a vault of the other form refuses. */
function vaultOpener(config: Config, { env, ...parts }: OpenerParts): Instance["openVault"] {
  const { path, format, compression, encryption } = config.backup;
  const common = { ...parts, path, instance: { name: config.name } };
  if (format === "archive") return ({ create = false } = {}) => openArchiveVault({ ...common, compression, create });
  let asked: Promise<readonly Secret[]> | undefined;
  return async ({ create = false } = {}): Promise<Vault> => {
    // A file is read at every opening, so that its loss shows at once. A program may ask a person: once, until it turns out wrong.
    const secrets = (asked ??= secretsOf(config, env));
    if (encryption?.kind !== "passphrase-command") asked = undefined;
    try {
      return await openRepositoryVault({ ...common, create, secrets: await secrets, cacheFolder: join(config.stateDir, "cache") });
    } catch (error) {
      asked = undefined;
      throw error;
    }
  };
}
