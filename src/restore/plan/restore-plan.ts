import type { Entry, SourceKind } from "../../vault/index.ts";

/** What of a component's live place belongs to it, as its configuration says today. */
export interface TargetRules {
  readonly exclude: readonly string[];
  readonly include: readonly string[];
  readonly excludeLarger: number | undefined;
  readonly excludeCaches: boolean;
  readonly oneFileSystem: boolean;
}

/** One component of the backup, and where it goes. */
export interface RestoreTarget {
  readonly component: string;
  /** Of the component in the backup. */
  readonly source: SourceKind;
  /** Main file of a database that a salvage kept raw with its sidecars; null for everything else. */
  readonly salvaged: string | null;
  /** Absolute; null for a command. */
  readonly path: string | null;
  /** Where it lay when it was captured, when that is elsewhere. */
  readonly recorded: string | null;
  readonly rules: TargetRules;
  /** Takes the dump on its standard input. */
  readonly command: { readonly argv: readonly string[]; readonly timeout: number } | null;
}

/**
 * One step of the swap: what lies at `live` is moved aside, and what was staged takes its place. Either may be nothing.
 * - `rename`: two renames on one file system
 * - `content`: the file is a mount point and stays; its bytes are copied aside and written over
 */
export interface PlannedMove {
  readonly component: string;
  readonly how: "rename" | "content";
  /** Absolute. */
  readonly live: string;
  readonly takesAway: boolean;
  /** Entry path in the component of what comes; null when the move only takes away. */
  readonly entry: string | null;
  /** Folder, on the file system of `live`, that holds the staged set and the old one. */
  readonly beside: string;
}

/** A folder that stays where it is, because it holds something that is not the component's: it gets its recorded mode, owner and time. */
export interface PlannedFolder {
  readonly component: string;
  readonly live: string;
  readonly entry: Entry;
}

export interface PlannedComponent {
  readonly component: string;
  readonly how: "rename" | "online" | "command";
  /** Absolute; the command's program for a command. */
  readonly target: string;
  readonly recorded: string | null;
  readonly moves: readonly PlannedMove[];
  readonly folders: readonly PlannedFolder[];
  /** What lies inside the target and stays as it is. */
  readonly untouched: readonly { readonly path: string; readonly reason: string }[];
  readonly entries: number;
  /** Of contents, as they are staged. */
  readonly bytes: number;
}

/** Why this must not be done as it was asked. */
export interface Refusal {
  readonly component: string | null;
  readonly reason: string;
  readonly hint: string;
  /** --force goes over it. */
  readonly overridable: boolean;
}

/** Everything that a restore would do, as plain data: nothing was changed to learn it. */
export interface RestorePlan {
  readonly backup: string;
  readonly components: readonly PlannedComponent[];
  readonly refusals: readonly Refusal[];
  readonly warnings: readonly string[];
}
