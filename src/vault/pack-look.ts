import type { BackupId } from "./backup-id.ts";

/** A pack that does not lie in the vault as it was stored. */
export interface LostPack {
  readonly name: string;
  /** `changed`: something of its name is there, and is no file of its length. */
  readonly is: "missing" | "changed";
  /** Those of the backups asked about that name it. */
  readonly backups: readonly BackupId[];
}

/** What names and lengths tell of the packs of some backups. No pack is read for it: damage that keeps the length is not seen. */
export interface PackLook {
  readonly lost: readonly LostPack[];
  /** Backups of which it cannot be told which packs they name. */
  readonly untold: readonly { readonly id: BackupId; readonly problem: string }[];
}
