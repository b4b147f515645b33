/**
 * A vault of plain folders and .tar.gz files on a local disk, readable with tar alone.
 * - A backup is built below a dot-name and appears by one rename, after everything in it is on disk.
 * - What comes back is hostile until its entries agree with the manifest; the manifest decides what may be in it.
 * - What is not ours is listed and never touched; what is removed is written down first.
 * It takes no lease and prunes nothing by itself.
 */
export { adoptVault, inspectVault, type InstanceName } from "./identity.ts";
export type { ArchiveVault } from "./archive-vault.ts";
export { exportBackup } from "./export-backup.ts";
export { importArchive } from "./import-archive.ts";
export { openArchiveVault, type OpenArchiveVaultOptions } from "./open-archive-vault.ts";
export { ListingCache } from "./listing-cache.ts";
export { trashFolder } from "./layout.ts";
