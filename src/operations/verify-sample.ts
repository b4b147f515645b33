import type { BackupHead, Listing, ReadBack, Vault } from "../vault/index.ts";
import { chooseSample, type SampleUnit } from "./choose-sample.ts";
import type { Instance } from "./instance.ts";
import { judgeByPacks } from "./judge-by-packs.ts";
import { readingBack } from "./reading-back.ts";
import { unlessGone } from "./unless-gone.ts";
import { knownDamage, verifyOne, type VerifyResult } from "./verify-one.ts";

export interface VerifiedSample {
  /** What was read back whole, each for itself. */
  readonly of: "packs" | "backups";
  /** How many were, and their bytes in the vault. */
  readonly read: number;
  readonly bytes: number;
  /** How many there are. */
  readonly total: number;
  readonly totalBytes: number;
  /** How many were never read back yet. */
  readonly unread: number;
  /** When the one of the others that was read back longest ago was; null when there is none. ISO 8601, UTC. */
  readonly oldest: string | null;
  /** Backups of which everything was read back within `verify.max_age`, and matched. */
  readonly verified: number;
  readonly backups: number;
}

export interface SampleOptions {
  /** Above 0, at most 1. */
  readonly sample: number;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  readonly random?: () => number;
}

interface Sampled {
  readonly results: readonly VerifyResult[];
  readonly sample: VerifiedSample;
}

/** What was read is written down after so many bytes: a run that is killed loses the verdicts of no more. */
const KEEP_BYTES = 1024 ** 3;

/** Reads back a part of the vault, what was read back longest ago first: packs where backups share them, else backups. */
export async function verifySample(vault: Vault, listing: Listing, instance: Instance, options: SampleOptions): Promise<Sampled> {
  return await readingBack(vault, instance, (readBack) =>
    readBack === undefined
      ? sampleBackups(vault, listing.backups, instance, options)
      : samplePacks(vault, listing.backups, readBack, instance, options),
  );
}

async function samplePacks(
  vault: Vault,
  backups: readonly BackupHead[],
  readBack: ReadBack,
  instance: Instance,
  { sample, random = Math.random, ...options }: SampleOptions,
): Promise<Sampled> {
  const now = instance.clock.now();
  const units = readBack.packs().map(({ name, bytes, verdict }) => ({
    name,
    bytes,
    readAt: timeOf(verdict?.at, now),
    damaged: verdict !== null && verdict.problem !== null,
  }));
  const chosen = new Set(chooseSample(units, sample, random));
  // They may have been brought back from a copy, and stand in every report until then.
  for (const unit of units) if (unit.damaged) chosen.add(unit);
  let batch: string[] = [];
  let bytes = 0;
  for (const unit of chosen) {
    batch.push(unit.name);
    bytes += unit.bytes;
    if (bytes < KEEP_BYTES) continue;
    await readBack.readPacks(batch, options);
    await readBack.keep();
    [batch, bytes] = [[], 0];
  }
  await readBack.readPacks(batch, options);
  const { damaged, verified } = await judgeByPacks(vault, { backups, readBack, read: new Set(), again: true }, instance, options);
  const after = readBack.packs().map(({ bytes: size, verdict }) => ({ bytes: size, readAt: timeOf(verdict?.at, instance.clock.now()) }));
  return { results: damaged, sample: { of: "packs", ...covered([...chosen], after), verified, backups: backups.length } };
}

async function sampleBackups(
  vault: Vault,
  backups: readonly BackupHead[],
  instance: Instance,
  { sample, random = Math.random, ...options }: SampleOptions,
): Promise<Sampled> {
  const now = instance.clock.now();
  const units = backups.map((head) => ({ head, bytes: head.manifest.stored_bytes, readAt: timeOf(head.marks.verified?.at, now) }));
  const chosen = chooseSample(units, sample, random);
  const results: VerifyResult[] = [];
  for (const { head } of chosen) {
    const result = await unlessGone(() => verifyOne(vault, head, instance, options));
    if (result !== undefined) results.push(result);
  }
  const read = new Map<string, boolean>(results.map(({ id, ok }) => [id, ok]));
  const after = units.map((unit) => (read.has(unit.head.id) ? { ...unit, readAt: now } : unit));
  const verified = after.filter(
    ({ head, readAt }) =>
      readAt !== null && readAt >= now - instance.config.verify.maxAge && (read.get(head.id) ?? head.marks.verified?.ok === true),
  ).length;
  // Nothing is said to be well while it is known not to be, whichever backups were read in this run.
  results.push(...backups.flatMap((head) => (read.has(head.id) ? [] : (knownDamage(head) ?? []))));
  return { results, sample: { of: "backups", ...covered(chosen, after), verified, backups: backups.length } };
}

/** A time ahead of now was written by a wrong clock, and is none. */
function timeOf(at: string | undefined, now: number): number | null {
  const time = at === undefined ? NaN : Date.parse(at);
  return time <= now ? time : null;
}

function covered(
  chosen: readonly SampleUnit[],
  after: readonly SampleUnit[],
): Pick<VerifiedSample, "read" | "bytes" | "total" | "totalBytes" | "unread" | "oldest"> {
  const sum = (units: readonly SampleUnit[]): number => units.reduce((all, { bytes }) => all + bytes, 0);
  const times = after.flatMap(({ readAt }) => readAt ?? []);
  return {
    read: chosen.length,
    bytes: sum(chosen),
    total: after.length,
    totalBytes: sum(after),
    unread: after.length - times.length,
    oldest: times.length === 0 ? null : new Date(times.reduce((one, other) => Math.min(one, other))).toISOString(),
  };
}
