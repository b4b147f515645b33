import { resolve } from "node:path";
import { findConfig } from "../config/index.ts";
import { addHint, HoldfastError, messageOf, namedSystemError, UsageError } from "../kernel/index.ts";
import {
  beforeMigration,
  MIGRATION_WAIT,
  runBackupEngine,
  shutdown,
  startup,
  type BackupResult,
  type Instance,
  type LifecycleBackup,
} from "../operations/index.ts";
import type { BackupRequest, Holdfast, OpenOptions, RestoreRequest, RestoreResult } from "./holdfast.ts";
import { contained } from "./contained.ts";
import { heavyMaintenance } from "./heavy-maintenance.ts";
import { openInstance } from "./open-instance.ts";

/**
 * Opens the instance that a configuration describes. The configuration is read again by every call.
 *
 * @example
 * await using holdfast = await openHoldfast({ config: "holdfast.yaml" });
 * await holdfast.startup();
 * const { id, status } = await holdfast.backup({ trigger: "manual" });
 */
export async function openHoldfast(options: OpenOptions = {}): Promise<Holdfast> {
  const env = options.env ?? process.env;
  const config = resolve(findConfig({ ...(options.config === undefined ? {} : { flag: options.config }), env, cwd: process.cwd() }));
  const ending = new AbortController();
  const running = new Set<Promise<unknown>>();
  const open = (): Instance => openInstance({ config, env, cwd: process.cwd(), blocking: false });
  const log = contained(options.onLog);
  /** Disposal waits for whatever is under way. */
  const track = async <T>(work: Promise<T>): Promise<T> => {
    running.add(work);
    try {
      return await work;
    } finally {
      running.delete(work);
    }
  };
  /** A configuration that cannot be read is a failure like any other to a program that goes on in any case. */
  const around = async (trigger: string, take: (instance: Instance) => Promise<LifecycleBackup>): Promise<LifecycleBackup> => {
    try {
      return await track(take(open()));
    } catch (thrown) {
      const error = namedSystemError(thrown, `take the ${trigger} backup`);
      log("error", `No ${trigger} backup was taken: ${error.code}: ${error.message}.`);
      return { outcome: "failed", error };
    }
  };
  const until = (signal: AbortSignal | undefined): AbortSignal =>
    signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
  return {
    config,
    backup: async (request = {}) => await track(backup(open(), request, until(request.signal))),
    startup: async ({ signal } = {}) =>
      await around("startup", async (instance) => await startup(instance, { log, signal: until(signal) })),
    shutdown: async ({ budget, signal } = {}) =>
      await around("shutdown", async (instance) => {
        const { shutdownTimeout } = instance.config.orchestrator;
        return await shutdown(instance, { log, budget: budget ?? shutdownTimeout, giveUp: until(signal) });
      }),
    beforeMigration: async ({ from, to }, migration) => {
      const tags = [`schema-from-${from}`, `schema-to-${to}`];
      const taken = await track(beforeMigration(open(), { wait: MIGRATION_WAIT, log, signal: ending.signal, tags }));
      if (taken.outcome === "failed" || taken.outcome === "deferred") throw taken.error;
      return await migration();
    },
    restore: async (id, request) => await track(restore(open(), id, request, until(request.signal))),
    withHeavyMaintenance: async (owner, body, how = {}) => await track(heavyMaintenance(open(), owner, body, how)),
    [Symbol.asyncDispose]: async () => {
      ending.abort(new Error("Holdfast was disposed"));
      await Promise.allSettled(running);
    },
  };
}

async function backup(instance: Instance, request: BackupRequest, signal: AbortSignal): Promise<BackupResult> {
  const { trigger = "manual", components = [], tags = [], lease, onProgress } = request;
  const args = ["backup", "create", "--trigger", trigger];
  for (const name of components) args.push("--component", name);
  for (const tag of tags) args.push("--tag", tag);
  const onRead = contained(onProgress);
  const document = await runBackupEngine(instance, trigger, {
    args,
    ...(lease === undefined ? {} : { lease }),
    urgent: trigger === "shutdown" || trigger === "pre-restore",
    signal,
    onEvent: (event) => {
      if (event["event"] === "progress") onRead(event as unknown as Parameters<typeof onRead>[0]);
    },
  });
  return document as unknown as BackupResult;
}

async function restore(instance: Instance, id: string, request: RestoreRequest, signal: AbortSignal): Promise<RestoreResult> {
  const { quiesce, resume, components = [], force = false } = request;
  // The host's own handles are open: without this the restore would swap files under them.
  if (typeof quiesce !== "function" || typeof resume !== "function")
    throw new UsageError("USAGE", "A restore inside a program needs `quiesce` and `resume`", {
      hint: "quiesce closes every file of the state that the program has open, and resume opens them again",
    });
  const work = async (): Promise<RestoreResult> => {
    await quiesce();
    const args = [
      "restore",
      id,
      "--yes",
      "--no-restart",
      ...components.flatMap((name) => ["--component", name]),
      ...(force ? ["--force"] : []),
    ];
    return (await instance.runEngine({ args, urgent: true, signal })) as unknown as RestoreResult;
  };
  let result: RestoreResult;
  try {
    result = await work();
  } catch (failure) {
    // Also what was closed only in part is opened again; that this fails as well must not hide why.
    try {
      await resume();
    } catch (second) {
      throw withSecond(failure, second);
    }
    throw failure;
  }
  await resume();
  return result;
}

function withSecond(failure: unknown, second: unknown): Error {
  const more = `\`resume\` has failed as well: ${messageOf(second)}`;
  if (failure instanceof HoldfastError) return addHint(failure, more);
  return new AggregateError([failure, second], `${messageOf(failure)}; ${more}`, { cause: failure });
}
