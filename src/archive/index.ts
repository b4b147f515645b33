/**
 * A vault of plain folders and .tar.gz files on a local disk, readable with tar alone.
 * - A backup is built below a dot-name and appears by one rename, after everything in it is on disk.
 * - An archive that comes from elsewhere is hostile until every byte of it is proved.
 * It takes no lease and prunes nothing by itself.
 */
export { ARCHIVE_FORMS } from "./archive-form.ts";
export { exportBackup } from "./export-backup.ts";
export { importArchive } from "./import-archive.ts";
export { openArchiveVault, type OpenArchiveVaultOptions } from "./open-archive-vault.ts";
