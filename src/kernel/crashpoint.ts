/**
 * Named places where a process may die without harm. A fault test starts the command with
 * HOLDFAST_CRASHPOINT=<name> and the process kills itself there with SIGKILL: no handler runs,
 * no buffer is flushed, exactly like a power cut for everything but the page cache.
 *
 * The list is closed so that a fault test can visit every one of them and notice a new one.
 */
export const CRASHPOINTS = [
  "vault-created",
  "backup-claimed",
  "backup-staged",
  "backup-component-stored",
  "backup-all-stored",
  "archive-body-written",
  "pack-before-publish",
  "pack-published",
  "pack-swept",
  "repository-content-stored",
  "backup-before-sync",
  "backup-before-publish",
  "backup-published",
  "backup-committed",
  "pause-requested",
  "pause-held",
  "cut-complete",
  "mark-before-publish",
  "mark-published",
  "removal-recorded",
  "removal-moved",
  "trash-set-aside",
  "trash-emptying",
  "records-summarized",
  "record-swept",
  "undelete-recorded",
  "undelete-moved",
  "restore-begun",
  "restore-component-written",
  "restore-before-publish",
  "in-place-claimed",
  "in-place-staged",
  "in-place-safe",
  "in-place-stopping",
  "in-place-journaled",
  "in-place-content-begun",
  "in-place-moved-away",
  "in-place-moved-in",
  "in-place-moved-all",
  "in-place-other-begun",
  "in-place-swapped",
  "in-place-started",
  "in-place-kept",
  "in-place-clearing",
  "in-place-done",
  "in-place-going-back",
  "in-place-moved-out",
  "in-place-moved-back",
  "in-place-back",
  "export-before-publish",
  "import-before-publish",
  "key-rotate-before-publish",
  "key-rotate-published",
] as const;

export type Crashpoint = (typeof CRASHPOINTS)[number];

const armed = process.env["HOLDFAST_CRASHPOINT"];

export function crashpoint(name: Crashpoint): void {
  if (armed === name) process.kill(process.pid, "SIGKILL");
}
