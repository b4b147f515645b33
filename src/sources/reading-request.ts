import type { FileIdentity, ProgramPlace } from "../kernel/index.ts";
import type { KnownState, SourceKind, SqliteDetails } from "../vault/index.ts";
import type { ReadingBounds } from "./sqlite/pin-bounds.ts";

export interface CommandRequest {
  readonly argv: readonly string[];
  /** Name of the file that holds its output. */
  readonly as: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** What the newest good backup of the component held. */
export interface Remembered {
  /** The component was one database. */
  readonly single: boolean;
  /** Entry paths of a tree that were databases. */
  readonly paths: ReadonlySet<string>;
}

/**
 * How far a salvage goes. "inside": the databases of a tree of which no consistent copy can be had are read byte by byte,
 * and named; with a reason, the component itself is, and its report says why.
 */
export type Salvage = "inside" | { readonly reason: string };

export interface ReadingRequest {
  readonly component: string;
  /** Absolute; null for a command. */
  readonly path: string | null;
  readonly command: CommandRequest | null;
  /** undefined: sniffed. */
  readonly kind?: SourceKind | undefined;
  /** Where a command runs. */
  readonly programs: ProgramPlace;
  /** Private folder (0700) on the vault's file system; a fresh folder inside it is this reading's own. */
  readonly staging: string;
  /** gitignore patterns, relative to the component's root. */
  readonly exclude: readonly string[];
  /** gitignore patterns; when there are any, a tree is limited to what they match, with the folders that lead there. */
  readonly include: readonly string[];
  /** Bytes: larger files of a tree are left out and listed. */
  readonly excludeLarger?: number | undefined;
  readonly excludeCaches: boolean;
  readonly oneFileSystem: boolean;
  /** The state directory, vaults, lease files: never opened, never walked. */
  readonly avoid: readonly FileIdentity[];
  readonly remembered: Remembered;
  /** What is known of each database from the newest good backup, by entry path. */
  readonly quickCheckBefore?: ReadonlyMap<string, SqliteDetails> | undefined;
  /** What need not be read; not of a component that is copied under a pause. */
  readonly known?: KnownState | undefined;
  /**
   * How a database in write-ahead mode is read that is a component, and not paused: in place, under a read transaction when it is in
   * use, where that can be had; "held": under one in any case, because others opened it when it was read without; "staged" unless told.
   */
  readonly read?: "pinned" | "held" | "staged" | undefined;
  /** How long a pinned database is held. */
  readonly pinBounds?: ReadingBounds | undefined;
  /** The component is paused: everything is copied into staging before openReading() resolves. */
  readonly cut: boolean;
  readonly raw?: Salvage | false | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that a locked database is waited for; 30 s unless told. */
  readonly busyTimeout?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
