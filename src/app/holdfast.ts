import type { BackupResult } from "../operations/index.ts";
import type { Held, Lease } from "../lease/index.ts";
import type { LifecycleBackup } from "../operations/index.ts";
import type { Trigger } from "../vault/index.ts";

export interface OpenOptions {
  /** Path of holdfast.yaml; found upward from the working directory unless given. */
  readonly config?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Told what happens around startup, shutdown and migrations; what it throws, or rejects with, is its own. */
  readonly onLog?: (level: "debug" | "info" | "warn" | "error", message: string) => void;
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

export interface RestoreRequest {
  /** Closes whatever this program has open of the state, and returns when that is done. */
  readonly quiesce: () => Promise<void> | void;
  /**
   * Opens it again, with the restored state or, when the restore failed, with what was there before. Runs in either case, also
   * when `quiesce` has thrown half-way.
   */
  readonly resume: () => Promise<void> | void;
  /** Component names; everything the backup holds unless given. */
  readonly components?: readonly string[];
  /** Goes over the refusals that can be gone over. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** What `holdfast restore --json` prints. */
export interface RestoreResult {
  /** The backup. */
  readonly id: string;
  /** Of this restore; `restore --undo` takes it. */
  readonly restore: string;
  /** The backup of what was there before. */
  readonly safety: string | null;
  readonly warnings: readonly string[];
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

/** Protection of one instance, for a program that embeds it. This process never opens a file of a component. */
export interface Holdfast extends AsyncDisposable {
  /** Absolute path of the configuration in use. */
  readonly config: string;
  /**
   * Takes a backup in a process of its own.
   *
   * @throws HoldfastError with the code that the command would have ended with
   */
  backup(request?: BackupRequest): Promise<BackupResult>;
  /** Before the program accepts work: ends a restore that was cut off, takes a backup. Never throws: the program starts either way. */
  startup(options?: { readonly signal?: AbortSignal }): Promise<LifecycleBackup>;
  /**
   * After the program has stopped writing: the last backup. Never throws.
   *
   * @param budget milliseconds; `orchestrator.shutdown_timeout` unless given
   */
  shutdown(options?: { readonly budget?: number; readonly signal?: AbortSignal }): Promise<LifecycleBackup>;
  /**
   * Takes the backup that a migration can be undone from, then runs the migration.
   *
   * @param versions of the schema; they become tags of the backup
   * @throws HoldfastError when no backup could be taken, and then the migration has not begun; and whatever it throws
   */
  beforeMigration<T>(
    versions: { readonly from: number | string; readonly to: number | string },
    migration: () => Promise<T> | T,
  ): Promise<T>;
  /**
   * Puts a backup in the place of the live state, in a process of its own; everything is as before when it fails.
   *
   * @param id id, unique prefix, `latest`, or `latest:verified`
   * @throws HoldfastError with the code that the command would have ended with
   */
  restore(id: string, request: RestoreRequest): Promise<RestoreResult>;
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
