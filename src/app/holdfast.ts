import { resolve } from "node:path";
import { findConfig } from "../config/index.ts";
import type { Held, Lease } from "../lease/index.ts";
import type { BackupResult } from "../operations/index.ts";
import type { Trigger } from "../vault/index.ts";
import { runEngine } from "./engine-process.ts";
import { openInstance } from "./open-instance.ts";

export interface OpenOptions {
  /** Path of holdfast.yaml; found upward from the working directory unless given. */
  readonly config?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface BackupRequest {
  /** "manual" unless given. */
  readonly trigger?: Trigger;
  /** Component names; what the configuration includes unless given. */
  readonly components?: readonly string[];
  readonly tags?: readonly string[];
  /** Stops the work; nothing half-made is left listed. */
  readonly signal?: AbortSignal;
  /** A lease in hand: the backup joins it. Without one it takes its own, and throws BusyError LEASE_HELD when somebody has it. */
  readonly lease?: Lease;
  /** Called as bytes are read. */
  readonly onProgress?: (progress: {
    readonly phase: string;
    readonly component: string | null;
    readonly bytes: number;
    readonly expected: number | null;
  }) => void;
}

/** Protection of one instance, for a program that embeds it. */
export interface Holdfast extends AsyncDisposable {
  /** Absolute path of the configuration in use. */
  readonly config: string;
  /**
   * Takes a backup in a process of its own; this process never opens a file of a component.
   *
   * @throws HoldfastError with the code that the command would have ended with
   */
  backup(request?: BackupRequest): Promise<BackupResult>;
  /**
   * Runs heavy work of this process under the heavy-maintenance lease, or does not run it while somebody else has it. The
   * lease is released after the body, and all that it awaits, has settled; what it throws is thrown.
   *
   * @param owner who asks, as others see it: "kbSync"
   */
  withHeavyMaintenance<T>(
    owner: string,
    body: (lease: Lease) => Promise<T>,
    options?: HeavyMaintenanceOptions,
  ): Promise<HeavyMaintenance<T>>;
}

export interface HeavyMaintenanceOptions {
  /** Why, for people. */
  readonly reason?: string;
  /** Milliseconds to wait for another holder; 0 unless told. */
  readonly wait?: number;
  /** Ends the waiting. The body looks at its own. */
  readonly signal?: AbortSignal;
}

/** `deferred` is no error and no success: the body has not run, and the work is still due. */
export type HeavyMaintenance<T> =
  | { readonly outcome: "completed"; readonly value: T }
  | { readonly outcome: "deferred"; readonly held: Held };

/**
 * Opens the instance that a configuration describes.
 *
 * @example
 * await using holdfast = await openHoldfast({ config: "holdfast.yaml" });
 * const { id, status } = await holdfast.backup({ trigger: "manual" });
 */
export async function openHoldfast(options: OpenOptions = {}): Promise<Holdfast> {
  const env = options.env ?? process.env;
  const config = resolve(findConfig({ ...(options.config === undefined ? {} : { flag: options.config }), env, cwd: process.cwd() }));
  const ending = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    config,
    backup: async (request = {}) => {
      const { trigger = "manual", components = [], tags = [], lease, signal, onProgress } = request;
      const args = ["--config", config, "backup", "create", "--trigger", trigger];
      for (const name of components) args.push("--component", name);
      for (const tag of tags) args.push("--tag", tag);
      const work = runEngine(
        {
          args,
          ...(lease === undefined ? {} : { lease }),
          urgent: trigger === "shutdown" || trigger === "pre-restore",
          signal: signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]),
          onEvent: (event) => {
            if (event["event"] === "progress") onProgress?.(event as unknown as Parameters<typeof onProgress & {}>[0]);
          },
        },
        env,
      );
      running.add(work);
      try {
        return (await work) as unknown as BackupResult;
      } finally {
        running.delete(work);
      }
    },
    withHeavyMaintenance: async (owner, body, options = {}) => {
      const work = underLeaseOf(config, env, owner, body, options);
      running.add(work);
      try {
        return await work;
      } finally {
        running.delete(work);
      }
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort(new Error("Holdfast was disposed"));
      await Promise.allSettled(running);
    },
  };
}

async function underLeaseOf<T>(
  config: string,
  env: NodeJS.ProcessEnv,
  owner: string,
  body: (lease: Lease) => Promise<T>,
  { reason = "library", wait = 0, signal }: HeavyMaintenanceOptions,
): Promise<HeavyMaintenance<T>> {
  // The disk must not hold up the host's event loop.
  const instance = openInstance({ config, env, cwd: process.cwd(), blocking: false });
  await using keeper = instance.openLease();
  const answer = await keeper.acquire({
    owner,
    reason,
    wait,
    ...(instance.leaseToken === null ? {} : { token: instance.leaseToken }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.outcome === "held") return { outcome: "deferred", held: answer };
  await using lease = answer.lease;
  return { outcome: "completed", value: await body(lease) };
}

/**
 * One piece of heavy work of a program that needs nothing else of Holdfast.
 *
 * @example
 * const run = await withHeavyMaintenance("kbSync", async (lease) => {
 *   for (const batch of batches) {
 *     if (lease.shouldYield()) return;
 *     await lease.fence("batch", () => write(batch));
 *   }
 * });
 * if (run.outcome === "deferred") console.log(`held by ${run.held.holder?.owner}`);
 */
export async function withHeavyMaintenance<T>(
  owner: string,
  body: (lease: Lease) => Promise<T>,
  options: HeavyMaintenanceOptions & OpenOptions = {},
): Promise<HeavyMaintenance<T>> {
  await using holdfast = await openHoldfast(options);
  return await holdfast.withHeavyMaintenance(owner, body, options);
}
