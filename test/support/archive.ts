/** For tests of rooms that lie below the archive and are best looked at through it. */
export { ARCHIVE_FORMS, openArchiveVault } from "../../src/archive/index.ts";
