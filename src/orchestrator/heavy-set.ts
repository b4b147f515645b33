/** Tasks that never run at once, unless a configuration says otherwise. These six come from neomjs/neo#11513. */
export const DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES: readonly string[] = Object.freeze([
  "summary",
  "kbSync",
  "backup",
  "primary-dev-sync",
  "dream",
  "golden-path",
]);

/** A set of one instance's own: what it adds or takes away changes no other. */
export function heavySet(tasks: readonly { readonly name: string; readonly heavy: boolean | undefined }[]): ReadonlySet<string> {
  const heavy = new Set(DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES);
  for (const { name, heavy: declared } of tasks) {
    if (declared === true) heavy.add(name);
    if (declared === false) heavy.delete(name);
  }
  return heavy;
}
