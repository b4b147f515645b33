/**
 * Puts a backup back. In this version into another folder only: nothing live is touched.
 * Whatever is written is compared with its recorded hash first to last byte, and an unfinished result says so by its name.
 */
export { restoreTo, type RestoredTo, type RestoreToRequest } from "./restore-to.ts";
