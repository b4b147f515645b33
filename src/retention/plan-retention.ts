import { ConflictError } from "../kernel/index.ts";
import { fromTheFuture, lastTakenFirst, type BackupHead } from "../vault/index.ts";
import { carriedComponents, isDamaged, isSafetyBackup, takenAt } from "./good-backup.ts";
import { periodsOf, type PeriodOf } from "./periods.ts";
import { TIERS, type RetentionPolicy } from "./policy.ts";
import { protections } from "./protections.ts";

export interface RetentionDecision {
  readonly id: string;
  readonly keep: boolean;
  /** What keeps it, or why nothing does; `component` is null where it concerns the backup as a whole. */
  readonly reasons: readonly RetentionReason[];
}

interface RetentionReason {
  readonly component: string | null;
  readonly why: string;
}

const DAY = 86_400_000;
/** Of backups good for nothing so many stay, for whoever looks what went wrong. */
const NOT_GOOD_COUNT = 3;

/**
 * Decides about every backup, the one taken last first.
 *
 * @param now milliseconds since the epoch
 * @throws ConflictError RETENTION_REFUSED when a backup is from later than now: no age can be told
 */
export function planRetention(backups: readonly BackupHead[], policy: RetentionPolicy, now: number): readonly RetentionDecision[] {
  refuseClock(backups, now);
  const ordered = lastTakenFirst(backups);
  const shielded = protections(backups, now);
  const carried = new Map<string, readonly string[]>(ordered.map((head) => [head.id, carriedComponents(head)]));
  const keeps = new Map<string, RetentionReason[]>(ordered.map(({ id }) => [id, []]));
  const lacks = new Map<string, RetentionReason[]>(ordered.map(({ id }) => [id, []]));
  const keep = (head: BackupHead | undefined, component: string | null, why: string): void => {
    if (head !== undefined) keeps.get(head.id)?.push({ component, why });
  };
  const lack = (head: BackupHead, component: string | null, why: string): void => void lacks.get(head.id)?.push({ component, why });

  for (const head of ordered) {
    for (const why of shielded.get(head.id) ?? []) keep(head, null, why);
    for (const tag of policy.keepTags) if (head.manifest.tags.includes(tag)) keep(head, null, `tag ${tag}`);
  }
  keep(ordered[0], null, "newest of all");
  keepOfNotGood(
    ordered.filter((head) => isDamaged(head) || carried.get(head.id)?.length === 0),
    { shielded, keep, lack },
  );
  const times = takenAt(backups);
  const periodOf = periodsOf(policy.timezone);
  const isOld = ({ id }: BackupHead): boolean => now - (times.get(id) ?? now) > policy.maxAgeDays * DAY;
  for (const component of new Set([...carried.values()].flat())) {
    const carrying = ordered.filter(({ id }) => carried.get(id)?.includes(component));
    keepOfComponent(
      carrying.filter((head) => !isDamaged(head)),
      {
        policy,
        shielded,
        periodOf,
        isOld,
        keep: (head, why) => keep(head, component, why),
        lack: (head, why) => lack(head, component, why),
      },
    );
    keepOfDamaged(carrying, { policy, shielded, periodOf, isOld, keep: (head, why) => keep(head, component, why) });
  }
  return ordered.map(({ id }) => {
    const stays = keeps.get(id) ?? [];
    return stays.length > 0 ? { id, keep: true, reasons: stays } : { id, keep: false, reasons: lacks.get(id) ?? [] };
  });
}

/**
 * One byte of a shared pack damages every backup that names it, and the pack brought back from a copy mends them all. So what is damaged
 * stays for as long as it would if it were not; it takes no place of what is good.
 */
function keepOfDamaged(carrying: readonly BackupHead[], place: Omit<OfComponent, "lack">): void {
  if (!carrying.some(isDamaged)) return;
  keepOfComponent(carrying, {
    ...place,
    keep: (head, why) => head !== undefined && isDamaged(head) && place.keep(head, `${why}, if it read back`),
    lack: () => {},
  });
}

const OUTLIVED_SAFETY = "taken before a restore more than 7 days ago, and not one of the last 3";

interface NotGood {
  readonly shielded: ReadonlyMap<string, unknown>;
  readonly keep: (head: BackupHead, component: null, why: string) => void;
  readonly lack: (head: BackupHead, component: null, why: string) => void;
}

function keepOfNotGood(notGood: readonly BackupHead[], { shielded, keep, lack }: NotGood): void {
  let count = 0;
  for (const head of notGood) {
    if (shielded.has(head.id)) continue;
    if (isSafetyBackup(head)) {
      lack(head, null, OUTLIVED_SAFETY);
      continue;
    }
    count += 1;
    const such = isDamaged(head) ? "found damaged" : "good for nothing";
    if (count <= NOT_GOOD_COUNT) keep(head, null, `${such}, and one of the newest ${NOT_GOOD_COUNT} such`);
    else lack(head, null, `${such}, and ${NOT_GOOD_COUNT} newer such stay`);
  }
}

interface OfComponent {
  readonly policy: RetentionPolicy;
  readonly shielded: ReadonlyMap<string, unknown>;
  readonly periodOf: PeriodOf;
  readonly isOld: (head: BackupHead) => boolean;
  readonly keep: (head: BackupHead | undefined, why: string) => unknown;
  readonly lack: (head: BackupHead, why: string) => void;
}

/** @param carrying backups good for the component, the one taken last first */
function keepOfComponent(carrying: readonly BackupHead[], { policy, shielded, periodOf, isOld, keep, lack }: OfComponent): void {
  const { maxCount, maxAgeDays } = policy;
  // What was kept before a restore is the floor only where there is nothing else.
  const newest = (wanted: (head: BackupHead) => boolean): BackupHead | undefined =>
    carrying.find((head) => !isSafetyBackup(head) && wanted(head)) ?? carrying.find(wanted);
  keep(
    newest(() => true),
    "newest good",
  );
  keep(
    newest(({ marks }) => marks.verified?.ok === true),
    "newest verified",
  );

  const isNewest = `one of the newest ${maxCount}`;
  const [notNewest, tooOld] = [`not ${isNewest}`, `older than ${maxAgeDays} days`];
  const regular = carrying.filter((head) => !isSafetyBackup(head) && !shielded.has(head.id));
  for (const [rank, head] of regular.entries()) {
    const old = isOld(head);
    if (rank < maxCount && !old) keep(head, isNewest);
    if (rank >= maxCount) lack(head, notNewest);
    if (old) lack(head, tooOld);
  }
  for (const head of carrying) if (isSafetyBackup(head)) lack(head, OUTLIVED_SAFETY);

  for (const tier of TIERS) {
    const seen = new Set<string>();
    for (const head of policy[tier] > 0 ? regular : []) {
      if (seen.size === policy[tier]) break;
      const period = periodOf(tier, Date.parse(head.manifest.timestamp));
      if (seen.has(period)) continue;
      seen.add(period);
      keep(head, `${tier} ${period}`);
    }
  }
}

/** Under a clock that was set back every age is too small, and under one that was ahead the next ones are too large. */
function refuseClock(backups: readonly BackupHead[], now: number): void {
  const [ahead] = lastTakenFirst(fromTheFuture(backups, now));
  if (ahead === undefined) return;
  throw new ConflictError(
    "RETENTION_REFUSED",
    `Backup "${ahead.id}" is from later than the clock says it is now, ${new Date(now).toISOString().slice(0, 19)}Z: no age can be told, and nothing is removed`,
    {
      hint: `Set the clock right; when it is right now and was ahead by then: holdfast backup delete ${ahead.id}`,
      details: { id: ahead.id },
    },
  );
}
