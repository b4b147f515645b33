import { namedSystemError, NotFoundError, type HoldfastError } from "../kernel/index.ts";
import type { BackupHead, Listing, LostPack, PackLook, Vault } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { readListing } from "./read-listing.ts";

export interface SeenVault {
  readonly listing: Listing;
  /** What became of the packs that were asked about, or why that could not be looked at. */
  readonly packs: PackLook | HoldfastError;
}

const NOTHING_LOST: PackLook = { lost: [], untold: [] };

/** What the vault holds, as readListing() reads it, and whether the packs of some of those backups are there. */
export async function readVault(instance: Instance, choose: (listing: Listing) => readonly BackupHead[]): Promise<SeenVault> {
  try {
    await using vault = await instance.openVault();
    const listing = await vault.list({ recalling: true });
    return { listing, packs: await lookAtPacks(vault, choose(listing)) };
  } catch (error) {
    if (error instanceof NotFoundError) return { listing: await readListing(instance), packs: NOTHING_LOST };
    throw error;
  }
}

/** What keeps one from looking at packs keeps nobody from what else there is to see. */
async function lookAtPacks(vault: Vault, backups: readonly BackupHead[]): Promise<PackLook | HoldfastError> {
  try {
    return (await vault.lookAtPacks?.(backups.map(({ id }) => id))) ?? NOTHING_LOST;
  } catch (error) {
    return namedSystemError(error, "look at the packs");
  }
}

/** "2 packs are missing, and 1 pack has another length" */
export function describeLoss(lost: readonly LostPack[]): string {
  const count = (is: LostPack["is"], one: string, several: string): string[] => {
    const number = lost.filter((pack) => pack.is === is).length;
    return number === 0 ? [] : [number === 1 ? `1 pack ${one}` : `${number} packs ${several}`];
  };
  return [...count("missing", "is missing", "are missing"), ...count("changed", "has another length", "have another length")].join(
    ", and ",
  );
}
