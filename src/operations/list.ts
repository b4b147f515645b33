import type { Listing } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { readListing } from "./read-listing.ts";

export interface ListOptions {
  /** Only backups that carry every one of these tags. */
  readonly tags?: readonly string[];
}

/** What the vault holds, newest first, with everything that is wrong in it. */
export async function list(instance: Instance, options: ListOptions = {}): Promise<Listing> {
  const listing = await readListing(instance);
  const tags = options.tags ?? [];
  return { ...listing, backups: listing.backups.filter(({ manifest }) => tags.every((tag) => manifest.tags.includes(tag))) };
}
