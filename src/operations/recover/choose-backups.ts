import { foundDamage, goodFor, lastTakenFirst, type BackupHead } from "../../vault/index.ts";

export interface Wanted {
  readonly name: string;
  /** What the configuration says; undefined leaves it to the manifests. */
  readonly importance: string | undefined;
}

export interface Choice {
  readonly component: string;
  /** The backup that it comes from; null when no good one is left. */
  readonly head: BackupHead | null;
  /** What is to be said of it: that it is older than the newest backup, and why; null when there is nothing to say. */
  readonly remark: string | null;
}

/**
 * Which backup each component comes from. One backup for all, where one is good for all: parts of different days may not
 * fit each other. Else the newest that is good for everything critical, and what that one lacks from the newest good one.
 *
 * @param usable says whether a component of a backup reads back; a manifest alone cannot
 */
export function chooseBackups(
  heads: readonly BackupHead[],
  wanted: readonly Wanted[],
  usable: (head: BackupHead, component: string) => boolean,
): readonly Choice[] {
  const regular = candidates(heads);
  const good = (head: BackupHead, component: string): boolean =>
    goodFor(head.manifest, component) && head.marks.verified?.ok !== false && usable(head, component);
  const newestGood = new Map(wanted.map(({ name }) => [name, regular.find((head) => good(head, name)) ?? null]));
  // What no backup has a good copy of cannot decide between them.
  const possible = wanted.filter(({ name }) => newestGood.get(name) !== null);
  const critical = possible.filter((one) => isCritical(one, newestGood.get(one.name) ?? null));
  const newest = regular[0];
  const base =
    newest !== undefined && possible.every(({ name }) => good(newest, name))
      ? newest
      : critical.length === 0
        ? undefined
        : regular.find((head) => critical.every(({ name }) => good(head, name)));
  return wanted.map(({ name }) => {
    const head = base !== undefined && good(base, name) ? base : (newestGood.get(name) ?? null);
    return { component: name, head, remark: remarkOn(name, head, newest, regular, good) };
  });
}

/** What was kept before a restore is the state that somebody wanted to leave: it counts when there is nothing else. */
function candidates(heads: readonly BackupHead[]): readonly BackupHead[] {
  const ordered = lastTakenFirst(heads);
  const regular = ordered.filter(({ manifest }) => manifest.trigger !== "pre-restore");
  return regular.length > 0 ? regular : ordered;
}

function isCritical({ name, importance }: Wanted, head: BackupHead | null): boolean {
  return (importance ?? head?.manifest.component_details[name]?.importance ?? "critical") === "critical";
}

function remarkOn(
  name: string,
  head: BackupHead | null,
  newest: BackupHead | undefined,
  regular: readonly BackupHead[],
  good: (head: BackupHead, component: string) => boolean,
): string | null {
  if (head === newest || newest === undefined) return null;
  if (head === null) return `${whyNot(newest, name)}; there is no good backup of it`;
  const newer = regular.slice(0, regular.indexOf(head)).find((other) => good(other, name));
  if (newer !== undefined)
    return `${newer.id} is newer and good for it, but not for everything critical; afterwards it can be had with: holdfast restore ${newer.id} --component ${name}`;
  return `${newest.id}, the newest backup, is not used: ${whyNot(newest, name)}`;
}

function whyNot(head: BackupHead, name: string): string {
  const { manifest } = head;
  const details = manifest.component_details[name];
  if (details === undefined) return manifest.not_captured[name]?.reason ?? "it is not in it";
  if (details.suspect) return "the database was damaged when it was taken";
  if (!details.whole) return "it is not whole in it";
  return foundDamage(head) !== undefined ? "it does not read back" : "it does not read back, or is not good for everything critical";
}
