import { nearest, NotFoundError } from "../kernel/index.ts";
import { goodForAll } from "./manifest.ts";
import type { BackupHead, Listing } from "./vault.ts";

/**
 * The backup that a reference names: an id, a unique prefix of one, `latest` (the newest listed), or `latest:verified`
 * (the newest that was captured whole and read back whole). Neither is ever one taken before a restore while there is
 * another: what that kept is the state somebody wanted to leave, and restoring the latest twice must not bring it back.
 *
 * @throws NotFoundError BACKUP_NOT_FOUND, BACKUP_AMBIGUOUS
 */
export function resolveBackup(listing: Listing, reference: string): BackupHead {
  const { backups, damaged, trash } = listing;
  if (reference === "latest") {
    const newest = backups.find(({ manifest }) => manifest.trigger !== "pre-restore") ?? backups[0];
    if (newest !== undefined) return newest;
    throw new NotFoundError("BACKUP_NOT_FOUND", "There is no backup yet", { hint: emptyHint(listing) });
  }
  if (reference === "latest:verified") {
    const found = backups.find(
      ({ manifest, marks }) => manifest.trigger !== "pre-restore" && marks.verified?.ok === true && goodForAll(manifest),
    );
    if (found !== undefined) return found;
    const hint = backups[0] === undefined ? emptyHint(listing) : `Read one back first: holdfast verify ${backups[0].id}`;
    throw new NotFoundError("BACKUP_NOT_FOUND", "No complete backup is verified", { hint });
  }
  // A whole id is never the beginning of another: where it is damaged or deleted, "…_manual-2" is not what was meant.
  const beginning = !damaged.some(({ name }) => name.replace(/\.tar\.gz$/, "") === reference) && !trash.some(({ id }) => id === reference);
  const matches = reference === "" ? [] : backups.filter(({ id }) => (beginning ? id.startsWith(reference) : id === reference));
  const exact = matches.find(({ id }) => id === reference) ?? (matches.length === 1 ? matches[0] : undefined);
  if (exact !== undefined) return exact;
  if (matches.length > 1) {
    const shown = matches.slice(0, 5).map(({ id }) => id);
    throw new NotFoundError("BACKUP_AMBIGUOUS", `${matches.length} backups begin with "${reference}"`, {
      hint: `Give more of the id: ${shown.join(", ")}${matches.length > shown.length ? ", …" : ""}`,
      details: { ids: shown },
    });
  }
  throw new NotFoundError("BACKUP_NOT_FOUND", `There is no backup "${reference.slice(0, 200)}"`, {
    hint: notFoundHint(listing, reference),
  });
}

/** An id of a backup begins with when it was taken, in UTC. */
const TAKEN = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_/;
const TAKEN_LENGTH = 19;

/**
 * What `latest` went past, for who is about to put a backup in the place of something: a newer one that is damaged, or sealed with
 * keys that are not at hand, is not the one that is restored, and nobody may take it for that.
 *
 * @returns for people; undefined when a backup was named, or nothing newer lies there
 */
export function passedOver({ damaged }: Listing, reference: string, { id }: Pick<BackupHead, "id">): string | undefined {
  if (reference !== "latest" && reference !== "latest:verified") return undefined;
  // Of two within a second either may be the newer one.
  const newer = damaged.filter(({ name }) => TAKEN.test(name) && name.slice(0, TAKEN_LENGTH) >= id.slice(0, TAKEN_LENGTH));
  const [first] = newer.toSorted((one, other) => (one.name < other.name ? 1 : -1));
  if (first === undefined) return undefined;
  const what =
    newer.length === 1
      ? `"${first.name}" is newer and cannot be read`
      : `${newer.length} newer ones cannot be read, such as "${first.name}"`;
  return `This is "${id}": ${what} (${first.problem})`;
}

function emptyHint({ damaged }: Listing): string {
  return damaged.length === 0
    ? "Take one: holdfast backup"
    : `${damaged.length} in the vault cannot be trusted: holdfast verify --all says why`;
}

function notFoundHint(listing: Listing, reference: string): string {
  const { backups, damaged, trash } = listing;
  if (damaged.some(({ name }) => name.startsWith(reference)))
    return "It is in the vault and cannot be trusted: holdfast verify --all says why";
  if (trash.some(({ id }) => id === reference)) return `It was deleted; bring it back: holdfast backup undelete ${reference}`;
  const near = nearest(reference, ["latest", "latest:verified", ...backups.map(({ id }) => id)]);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return backups[0] === undefined ? emptyHint(listing) : `The newest is "${backups[0].id}"`;
}
