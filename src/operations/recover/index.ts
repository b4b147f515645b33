/**
 * A machine that has nothing but a vault: which backups are good, the configuration out of one of them, and where it
 * goes. Opens the vault by its path under its own owner's name and changes nothing in it; every byte that is chosen was
 * read back and compared before. Writes one file, the configuration, and never over a different one.
 */
export { planRecovery, type RecoveredComponent, type Recovery } from "./plan-recovery.ts";
export { readPathMaps } from "./read-path-maps.ts";
export { writeRecovered } from "./write-recovered.ts";
