import type { Clock, FileIdentity, Guard, ProgramPlace } from "../kernel/index.ts";
import type { Trigger, Vault } from "../vault/index.ts";
import type { ComponentPlan } from "./component-plan.ts";

export interface BackupProgress {
  readonly phase: "preflight" | "pause" | "capture" | "commit";
  readonly component: string | null;
  /** Bytes read so far, all components together. */
  readonly bytes: number;
  /** What the newest good backup of these components held, to judge how far this one is; null for a first one. */
  readonly expected: number | null;
}

export interface TakeBackupRequest {
  readonly vault: Vault;
  /** Folder of the vault on this machine, for the space check. */
  readonly vaultPath: string;
  readonly instance: string;
  /** Of components' own programs, which are part of this work. */
  readonly programs: ProgramPlace;
  /** Of the commands that pause and resume the runtime, which may leave something running. */
  readonly pauses: ProgramPlace;
  readonly components: readonly ComponentPlan[];
  readonly trigger: Trigger;
  /**
   * Keeps what it can of a state that may be broken: what no consistent copy can be had of is kept raw and named so, what
   * is missing is recorded whatever its importance. Only the host can fail it: no space, an interruption, the vault.
   */
  readonly salvage?: boolean;
  readonly tags: readonly string[];
  readonly clock: Clock;
  /** Never opened and never walked, whatever path leads there: the vault, the state folder. */
  readonly avoid: readonly FileIdentity[];
  readonly schemaVersion: { readonly component: string; readonly query: string | null };
  /** Milliseconds to wait for another writer of the vault. */
  readonly wait: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BackupProgress) => void;
  /** Runs the commit, or refuses it. */
  readonly guard: Guard;
  /** Told the id as soon as it is fixed. */
  readonly onBegin?: (id: string) => void;
}
