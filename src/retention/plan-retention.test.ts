import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backupHead, type ComponentSpec, type HeadSpec } from "../../test/support/backup-head.ts";
import type { BackupHead } from "../vault/index.ts";
import { describeDecision } from "./describe-decision.ts";
import { planRetention } from "./plan-retention.ts";
import type { RetentionPolicy } from "./policy.ts";

const MIDNIGHT = Date.parse("2026-03-15T00:00:00Z");
const HOUR = 60;
const DAY = 24 * HOUR;
const POLICY: RetentionPolicy = {
  maxCount: 10,
  maxAgeDays: 30,
  hourly: 0,
  daily: 0,
  weekly: 0,
  monthly: 0,
  yearly: 0,
  keepTags: [],
  timezone: "UTC",
};

const VERIFIED = {
  verified: { at: "2026-03-15T00:00:00Z", holdfast_version: "0.1.0", manifest_sha256: "0".repeat(64), entries: 1, bytes: 1, ok: true },
} as const;
const DAMAGED = { verified: { ...VERIFIED.verified, ok: false } } as const;

type Spec = HeadSpec & { readonly schema?: number };

/** Heads in the order in which they were taken. */
function heads(...specs: readonly Spec[]): BackupHead[] {
  return specs.map(({ schema, ...spec }, index) => {
    const head = backupHead({ sequence: index + 1, components: { db: {} }, ...spec });
    return schema === undefined ? head : { ...head, manifest: { ...head.manifest, db_schema_version: schema } };
  });
}

/** Minutes of what stays, oldest first. */
function kept(backups: readonly BackupHead[], policy: Partial<RetentionPolicy> = {}, nowMinute?: number): number[] {
  const newest = Math.max(...backups.map(({ manifest }) => Date.parse(manifest.timestamp)));
  const now = nowMinute === undefined ? newest : MIDNIGHT + nowMinute * 60_000;
  const keep = new Set(planRetention(backups, { ...POLICY, ...policy }, now).flatMap(({ id, keep: stays }) => (stays ? [id] : [])));
  return backups
    .filter(({ id }) => keep.has(id))
    .map(({ manifest }) => (Date.parse(manifest.timestamp) - MIDNIGHT) / 60_000)
    .toSorted((a, b) => a - b);
}

const range = (count: number, step = 1): number[] => Array.from({ length: count }, (_, n) => (n + 1) * step);

describe("planRetention() by count and age", () => {
  it("keeps the newest max_count that are not older than max_age_days", () => {
    const backups = heads(...range(20, DAY).map((minute) => ({ minute })));
    expect(kept(backups)).toEqual(range(20, DAY).slice(10));
    expect(kept(backups, { maxAgeDays: 3 })).toEqual(range(20, DAY).slice(16));
    expect(kept(backups, { maxCount: 1 })).toEqual([20 * DAY]);
  });

  it("eleven single-component backups against max_count 10 do not push out the last database", () => {
    const backups = heads({ minute: 1 }, ...range(11).map((n) => ({ minute: n + 1, components: { config: {} } })));
    expect(kept(backups)).toEqual([1, ...range(10).map((n) => n + 2)]);
  });

  it("after a month of failing backups the last good one is still there (the operator page's -mtime +30 -delete)", () => {
    const failing = range(60).map((day) => ({ minute: day * DAY, components: { db: { whole: false } } }));
    expect(kept(heads({ minute: 1 }, ...failing))).toEqual([1, 58 * DAY, 59 * DAY, 60 * DAY]);
  });

  it("all of them older than max_age_days, and nothing new: the newest good and verified ones stay", () => {
    const backups = heads({ minute: 1, marks: VERIFIED }, { minute: 2 }, { minute: 3 });
    expect(kept(backups, {}, 365 * DAY)).toEqual([1, 3]);
  });

  it("a copy that was found damaged is not the last good one (clu-comics PR#399)", () => {
    const backups = heads({ minute: 1 }, { minute: 2, marks: DAMAGED }, { minute: 3, components: { db: { suspect: true } } });
    expect(kept(backups, { maxCount: 1 })).toEqual([1, 2, 3]);
    const many = heads({ minute: 1 }, ...range(8).map((n) => ({ minute: n + 1, marks: DAMAGED })));
    expect(kept(many, { maxCount: 1 })).toEqual([1, 7, 8, 9]);
  });

  it("what was found damaged stays as long as it would if it read back, and takes no place of what does", () => {
    // One byte of a pack that all of them share.
    const damaged = range(9, DAY).map((minute) => ({ minute, marks: DAMAGED }));
    const backups = heads(...damaged, ...range(6, DAY).map((minute) => ({ minute: minute + 9 * DAY })));
    expect(kept(backups, { maxCount: 12 })).toEqual(range(15, DAY).slice(3));
    expect(kept(backups, { maxCount: 4 })).toEqual([7 * DAY, 8 * DAY, 9 * DAY, ...range(15, DAY).slice(11)]);
    expect(kept(backups, { maxCount: 1, daily: 10 })).toEqual(range(15, DAY).slice(5));
    const [first] = planRetention(backups, { ...POLICY, maxCount: 15 }, MIDNIGHT + 15 * DAY * 60_000).toReversed();
    expect(first === undefined ? "" : describeDecision(first)).toBe("db: one of the newest 15, if it read back");
  });

  it("compares instants, not texts: one timestamp of another form disables nothing", () => {
    const [first, second, third] = heads({ minute: 1 }, { minute: 2 }, { minute: 3 });
    if (first === undefined || second === undefined || third === undefined) throw new Error("three heads");
    const offset = { ...first, manifest: { ...first.manifest, timestamp: "2026-03-15T02:01:00+02:00" } };
    expect(kept([offset, second, third], { maxCount: 2 })).toEqual([2, 3]);
  });
});

describe("planRetention() by periods", () => {
  it("keeps the newest of each of the last days, weeks, months and years that have one", () => {
    const backups = heads(...range(400).flatMap((day) => [{ minute: day * DAY }, { minute: day * DAY + 6 * HOUR }]));
    const days = kept(backups, { maxCount: 1, daily: 3 });
    expect(days).toEqual([398, 399, 400].map((day) => day * DAY + 6 * HOUR));
    expect(kept(backups, { maxCount: 1, weekly: 4 })).toHaveLength(4);
    expect(kept(backups, { maxCount: 1, monthly: 12 })).toHaveLength(12);
    expect(kept(backups, { maxCount: 1, yearly: 5 })).toHaveLength(2);
    expect(kept(backups, { maxCount: 1, hourly: 2 })).toHaveLength(2);
  });

  it("a long tail outlives a corruption that is noticed late (gotify/server#835)", () => {
    const backups = heads(...range(120).map((day) => ({ minute: day * DAY })));
    expect(kept(backups, { maxCount: 10, monthly: 12 })[0]).toBeLessThan(40 * DAY);
  });

  it("days are those of the policy's time zone, and weeks are ISO 8601's", () => {
    // 23:30 and 00:30 UTC are one day in New York, and two in London.
    const backups = heads({ minute: DAY - 30 }, { minute: DAY + 30 });
    const daily = { maxCount: 1, daily: 2 };
    expect(kept(backups, { ...daily, timezone: "America/New_York" })).toEqual([DAY + 30]);
    expect(kept(backups, { ...daily, timezone: "Europe/London" })).toEqual([DAY - 30, DAY + 30]);
    // 2026-03-15 is a Sunday: the next day begins another week.
    expect(kept(heads({ minute: 1 }, { minute: DAY }), { maxCount: 1, weekly: 2 })).toEqual([1, DAY]);
    expect(kept(heads({ minute: DAY }, { minute: 2 * DAY }), { maxCount: 1, weekly: 2 })).toEqual([2 * DAY]);
  });
});

describe("planRetention() of what is protected", () => {
  it("ten safety backups make no regular backup prunable, and stay for seven days, the last three longer", () => {
    const backups = heads(
      ...range(10).map((minute) => ({ minute })),
      ...range(10).map((n) => ({ minute: n + 10, trigger: "pre-restore" as const })),
    );
    expect(kept(backups)).toEqual(range(20));
    expect(kept(backups, {}, 8 * DAY)).toEqual([...range(10), 18, 19, 20]);
  });

  it("keeps what was taken before a migration, asked for or noticed, and what is pinned or tagged; none of it uses up a count", () => {
    const backups = heads(
      { minute: 1, trigger: "pre-migration", schema: 1 },
      { minute: 2, schema: 1 },
      { minute: 3, schema: 2 },
      { minute: 4, schema: 2, marks: { pin: { at: "2026-03-15T00:00:00Z" } } },
      { minute: 5, schema: 2, tags: ["release"] },
      { minute: 6, schema: 2 },
      { minute: 7, schema: 2 },
      { minute: 8, schema: 2 },
    );
    expect(kept(backups, { maxCount: 2, keepTags: ["release"] })).toEqual([1, 2, 4, 5, 7, 8]);
  });

  it("a mistyped tag forgets nothing more: keep_tags only keep (restic/restic#4568)", () => {
    const backups = heads(...range(12).map((minute) => ({ minute, tags: ["daily"] })));
    expect(kept(backups, { keepTags: ["dialy"] })).toEqual(kept(backups));
  });
});

describe("planRetention() with a clock that is wrong", () => {
  it("refuses when the newest is from later than now, a year or two minutes", () => {
    for (const back of [365 * DAY, 2])
      expect(() => kept(heads({ minute: 365 * DAY + 10 }, { minute: 1 }), {}, 365 * DAY + 10 - back)).toThrow(
        expect.objectContaining({ code: "RETENTION_REFUSED" }),
      );
  });

  it("keeps what was taken last under a clock that was a year behind", () => {
    const backups = heads(...range(12).map((n) => ({ minute: 366 * DAY + n })), { minute: 5 });
    expect(kept(backups, { maxCount: 2 })).toEqual([5, 366 * DAY + 12]);
  });
});

const component: fc.Arbitrary<ComponentSpec> = fc.record({ whole: fc.boolean(), suspect: fc.boolean() });
const spec: fc.Arbitrary<Spec> = fc.record({
  minute: fc.integer({ min: 1, max: 3 * 365 * DAY }),
  trigger: fc.constantFrom("scheduled", "manual", "pre-migration", "pre-restore", "startup"),
  tags: fc.subarray(["a", "b"]),
  components: fc.dictionary(fc.constantFrom("db", "memory", "config"), component, { maxKeys: 3 }),
  marks: fc.constantFrom({}, {}, VERIFIED, DAMAGED, { pin: { at: "2026-03-15T00:00:00Z" } }),
  schema: fc.integer({ min: 1, max: 3 }),
});
// Ids are unique in a vault.
const history = fc
  .uniqueArray(spec, { minLength: 1, maxLength: 25, selector: ({ minute, trigger }) => `${minute} ${trigger}` })
  .map((specs) => heads(...specs.toSorted((a, b) => (a.minute ?? 0) - (b.minute ?? 0))));
const policy: fc.Arbitrary<RetentionPolicy> = fc.record({
  maxCount: fc.integer({ min: 1, max: 12 }),
  maxAgeDays: fc.integer({ min: 1, max: 1000 }),
  hourly: fc.nat(4),
  daily: fc.nat(10),
  weekly: fc.nat(6),
  monthly: fc.nat(6),
  yearly: fc.nat(3),
  keepTags: fc.subarray(["a"]),
  timezone: fc.constantFrom("UTC", "America/New_York", "Asia/Kathmandu"),
});
const NOW = MIDNIGHT + 3 * 365 * DAY * 60_000;
const RUNS = 2500;

const idsKept = (backups: readonly BackupHead[], by: RetentionPolicy): Set<string> =>
  new Set(planRetention(backups, by, NOW).flatMap(({ id, keep }) => (keep ? [id] : [])));
const isGood = (head: BackupHead, name: string): boolean => {
  const details = head.manifest.component_details[name];
  return (
    details !== undefined &&
    details.whole &&
    !details.suspect &&
    head.marks.verified?.ok !== false &&
    head.manifest.trigger !== "pre-restore"
  );
};

describe("planRetention() in random histories", () => {
  it("raising any number of the policy never removes more", () => {
    const raised = fc.constantFrom("maxCount", "maxAgeDays", "hourly", "daily", "weekly", "monthly", "yearly" as const);
    fc.assert(
      fc.property(history, policy, raised, fc.integer({ min: 1, max: 20 }), (backups, by, key, more) => {
        const before = idsKept(backups, by);
        const after = idsKept(backups, { ...by, [key]: by[key as "maxCount"] + more });
        for (const id of before) expect(after.has(id)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it("adding a failed, partial, suspect or damaged backup never removes a good one", () => {
    const bad = fc.constantFrom<Spec>(
      { components: { db: { whole: false }, memory: { suspect: true } } },
      { components: {} },
      { components: { db: {}, memory: {} }, marks: DAMAGED },
    );
    fc.assert(
      fc.property(history, policy, bad, fc.integer({ min: 1, max: 3 * 365 * DAY }), (backups, by, extra, minute) => {
        const before = idsKept(backups, by);
        const [added] = heads({ ...extra, minute });
        if (added === undefined) return;
        const head = {
          ...added,
          id: `${added.id}-added` as BackupHead["id"],
          manifest: { ...added.manifest, sequence: backups.length + 1 },
        };
        const after = idsKept([...backups, head], by);
        const good = backups.filter((one) => one.manifest.components.some((name) => isGood(one, name)));
        expect(good.filter(({ id }) => before.has(id) && !after.has(id))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it("the newest of all, and of every component the newest good and the newest verified one, stay", () => {
    fc.assert(
      fc.property(history, policy, (backups, by) => {
        const stays = idsKept(backups, by);
        const newest = backups.toReversed();
        expect(stays.has(newest[0]?.id ?? "")).toBe(true);
        for (const name of ["db", "memory", "config"]) {
          const good = newest.filter((head) => isGood(head, name));
          if (good[0] !== undefined) expect(stays.has(good[0].id)).toBe(true);
          const verified = good.find(({ marks }) => marks.verified?.ok === true);
          if (verified !== undefined) expect(stays.has(verified.id)).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("decides about every backup once, with a reason, whatever the order they come in; what is protected stays", () => {
    fc.assert(
      fc.property(history, policy, fc.infiniteStream(fc.nat()), (backups, by, salt) => {
        const decisions = planRetention(backups, by, NOW);
        expect(decisions.map(({ id }) => id).toSorted()).toEqual(backups.map(({ id }) => id).toSorted());
        expect(decisions.every((decision) => describeDecision(decision) !== "")).toBe(true);
        const shuffled = backups.toSorted(() => ((salt.next().value ?? 0) % 3) - 1);
        expect(idsKept(shuffled, by)).toEqual(idsKept(backups, by));
        for (const { id, manifest, marks } of backups)
          if (marks.pin !== undefined || manifest.trigger === "pre-migration" || manifest.tags.some((tag) => by.keepTags.includes(tag)))
            expect(idsKept(backups, by).has(id)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});
