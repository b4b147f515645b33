/** What a restore leaves beside its targets: staged sets, old sets, what it found in their way, and its marker. */
const FOLDERS = /^\.holdfast-(new|old|undone)-|^\.holdfast-unfinished-restore$/;
const MARKER = "RESTORE-IN-PROGRESS.holdfast";

/** No capture takes these in, whatever its patterns say: a backup that holds yesterday's state twice is neither. */
export function isRestoreLeftover(name: string, directory: boolean): boolean {
  return directory ? FOLDERS.test(name) : name === MARKER;
}
