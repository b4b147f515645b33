import { protections } from "../retention/index.ts";
import type { Listing } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { readListing } from "./read-listing.ts";

export interface ListOptions {
  /** Only backups that carry every one of these tags. */
  readonly tags?: readonly string[];
}

export interface ListedBackups extends Listing {
  /** Why each protected backup is, by id: no retention removes it. */
  readonly protected: ReadonlyMap<string, readonly string[]>;
}

/** What the vault holds, newest first, with everything that is wrong in it. */
export async function list(instance: Instance, options: ListOptions = {}): Promise<ListedBackups> {
  const listing = await readListing(instance);
  const tags = options.tags ?? [];
  return {
    ...listing,
    backups: listing.backups.filter(({ manifest }) => tags.every((tag) => manifest.tags.includes(tag))),
    protected: protections(listing.backups, instance.clock.now()),
  };
}
