import type { FileIdentity } from "../../kernel/index.ts";
import type { Entry } from "../../vault/index.ts";
import type { Refusal } from "./restore-plan.ts";

/** What every part of a plan needs to know, and where it leaves what speaks against it. */
export interface PlanContext {
  readonly mountPoints: ReadonlySet<string>;
  /** Live places of all declared components, by name: what belongs to another one is not this one's to move. */
  readonly places: ReadonlyMap<string, string>;
  /** The vault and the state directory. */
  readonly avoid: readonly FileIdentity[];
  /** What of the backup is wanted; null when everything is, and then what the backup does not carry is taken away. */
  readonly select: ((entry: Entry) => boolean) | null;
  /** Write over files that are mount points themselves. */
  readonly inPlace: boolean;
  /** Whether refusals that can be gone over are. */
  readonly force: boolean;
  readonly signal: AbortSignal | undefined;
  refuse(refusal: Refusal): void;
  warn(text: string): void;
}

/** Entries of a component that a plan has to know one by one; the rest comes and goes inside the folder that is renamed. */
export interface CarriedEntries {
  at(path: string): Entry | undefined;
  /** Names directly inside a folder. */
  inside(folder: string): Iterable<Entry>;
}

/** Folders that lead to an entry path, nearest first, "." last. */
export function* foldersAbove(path: string): Generator<string> {
  if (path === ".") return;
  for (let end = path.lastIndexOf("/"); end !== -1; end = path.lastIndexOf("/", end - 1)) yield path.slice(0, end);
  yield ".";
}

export function below(folder: string, name: string): string {
  return folder === "." ? name : `${folder}/${name}`;
}
