import { protections } from "../retention/index.ts";
import type { BackupHead, Listing } from "../vault/index.ts";
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
    protected: protectionsAt(listing.backups, instance.clock.now()),
  };
}

const MINUTE = 60_000;

/** Of listings that a vault gives again while nothing in it changes: who pages through ten thousand backups waits for it once. */
const known = new WeakMap<readonly BackupHead[], { readonly minute: number; readonly found: ListedBackups["protected"] }>();

function protectionsAt(backups: readonly BackupHead[], now: number): ListedBackups["protected"] {
  // A protection that ends by itself lasts for days.
  const minute = Math.floor(now / MINUTE);
  const before = known.get(backups);
  if (before?.minute === minute) return before.found;
  const found = protections(backups, now);
  known.set(backups, { minute, found });
  return found;
}
