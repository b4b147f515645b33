import { resolve } from "node:path";
import { findConfig } from "../config/index.ts";
import type { BackupResult } from "../operations/index.ts";
import type { Trigger } from "../vault/index.ts";
import { runEngine } from "./engine-process.ts";

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
}

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
      const { trigger = "manual", components = [], tags = [], signal, onProgress } = request;
      const args = ["--config", config, "backup", "create", "--trigger", trigger];
      for (const name of components) args.push("--component", name);
      for (const tag of tags) args.push("--tag", tag);
      const work = runEngine({
        args,
        env,
        urgent: trigger === "shutdown" || trigger === "pre-restore",
        signal: signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]),
        ...(onProgress === undefined
          ? {}
          : { onProgress: (progress) => onProgress(progress as unknown as Parameters<typeof onProgress>[0]) }),
      });
      running.add(work);
      try {
        return (await work) as unknown as BackupResult;
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
