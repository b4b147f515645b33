/**
 * What every vault on a local disk has, whichever form its backups take: an owner, a lock, drafts that appear by one rename,
 * a chain of hashes, removal records, marks, and a trash.
 * - A form says how a committed backup lies in the folder and how a new one is stored; nothing here knows tar or packs.
 * - What comes back is hostile until its entries agree with the manifest; the manifest decides what may be in it.
 * - What is not ours is listed and never touched; what is removed is written down first.
 * It takes no lease and prunes nothing by itself.
 */
export { asLocalVault } from "./as-local-vault.ts";
export { checkedContent } from "./checked-content.ts";
export { checkEntries, EntriesCheck, givenEntries, placeIn, type CheckedEntries, type EntryBatches } from "./checked-entries.ts";
export type { Doubts } from "./documents/doubts.ts";
export type { Documents, FoundBackup, TrashedBackup } from "./documents/read-documents.ts";
export type { KeptReads } from "./documents/kept-listing.ts";
export type { Opened } from "./documents/read-before.ts";
export { ListingCache } from "./documents/listing-cache.ts";
export type { Body, BodyItem, BodyResult, ComponentOptions, ComponentWriter, EntryList } from "./draft/body.ts";
export { storeReading } from "./draft/store-reading.ts";
export { withFacts } from "./draft/with-facts.ts";
export { adoptVault, inspectVault, openIdentity, type InstanceName } from "./identity.ts";
export { layoutOf, trashFolder } from "./layout.ts";
export { LocalVault } from "./local-vault.ts";
export { readStored } from "./read-stored.ts";
export { removeFiles } from "./remove-files.ts";
export type { DraftBody, FinishedBody, NewBody, ReadBackParts, ReaderParts, Sealed, StoredForm, VaultForm } from "./stored-form.ts";
export { StoredReading } from "./stored-reading.ts";
export { underWriteLock, type UnderWriteLock } from "./under-write-lock.ts";
