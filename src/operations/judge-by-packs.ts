import { namedSystemError, VERSION } from "../kernel/index.ts";
import {
  foundDamage,
  type BackupHead,
  type ReadBack,
  type ReadBackOptions,
  type SharedPack,
  type Vault,
  type VerifiedMark,
} from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { unlessGone } from "./unless-gone.ts";
import { knownDamage, verifyOne, type VerifyOneOptions, type VerifyResult } from "./verify-one.ts";

export interface PackJudgement {
  readonly backups: readonly BackupHead[];
  readonly readBack: ReadBack;
  /** Ids of those that were read back by themselves in this run, and have their verdict. */
  readonly read: ReadonlySet<string>;
  readonly again: boolean;
}

/**
 * What the verdicts of packs say of the backups that name them. One with a damaged pack is damaged, and that is said in every
 * run. One whose packs were all read back within `verify.max_age` is verified, as of when the oldest of them was; its mark
 * stays as it was otherwise, with its time. A mark that says "damaged" is taken back only by reading that backup back.
 *
 * @param judgement again: one that is marked damaged is read back when nothing is wrong with its packs any more
 */
export async function judgeByPacks(
  vault: Vault,
  { backups, readBack, read, again }: PackJudgement,
  instance: Instance,
  options: ReadBackOptions = {},
): Promise<{ readonly damaged: readonly VerifyResult[]; readonly verified: number }> {
  const byBackup = new Map<string, SharedPack[]>();
  for (const pack of readBack.packs())
    for (const id of pack.backups) {
      const known = byBackup.get(id);
      if (known === undefined) byBackup.set(id, [pack]);
      else known.push(pack);
    }
  const now = instance.clock.now();
  const damaged: VerifyResult[] = [];
  let verified = 0;
  for (const head of backups) {
    const packs = byBackup.get(head.id) ?? [];
    const problem = problemOf(packs);
    const since = readSince(packs, now - instance.config.verify.maxAge, now);
    let result: VerifyResult | null | undefined = null;
    if (read.has(head.id)) result = null;
    // Its table is damaged, or it has gone: reading it tells which.
    else if (packs.length === 0) result = await unlessGone(() => verifyOne(vault, head, instance, { ...options, readBack }));
    else if (problem !== null) result = await setDamaged(vault, head, problem, now);
    else if (foundDamage(head) !== undefined)
      result = again ? await damagedBefore(vault, head, since, instance, { ...options, readBack }) : null;
    else if (since !== null) await setVerified(vault, head, since);
    if (result?.ok === false) damaged.push(result);
    else if (since !== null) verified += 1;
  }
  return { damaged, verified };
}

function problemOf(packs: readonly SharedPack[]): string | null {
  const problems = packs.flatMap(({ verdict }) => verdict?.problem ?? []);
  if (problems[0] === undefined) return null;
  return problems.length === 1 ? problems[0] : `${problems[0]}; and ${problems.length - 1} more`;
}

/** When the pack that was read back longest ago was; null when one is damaged, was not read since the limit, or in the future. */
function readSince(packs: readonly SharedPack[], limit: number, now: number): number | null {
  let oldest = packs.length === 0 ? null : Infinity;
  for (const { verdict } of packs) {
    const at = verdict === null || verdict.problem !== null ? NaN : Date.parse(verdict.at);
    if (oldest === null || !(at >= limit && at <= now)) return null;
    oldest = Math.min(oldest, at);
  }
  return oldest;
}

async function setVerified(vault: Vault, { id, manifest, manifestSha256, marks }: BackupHead, since: number): Promise<void> {
  if (marks.verified !== undefined && Date.parse(marks.verified.at) >= since) return;
  const mark: VerifiedMark = {
    at: new Date(since).toISOString(),
    holdfast_version: VERSION,
    manifest_sha256: manifestSha256,
    entries: Object.values(manifest.component_details).reduce((sum, { entries }) => sum + entries, 0),
    bytes: manifest.size_bytes,
    ok: true,
  };
  await unlessGone(() => vault.setMark(id, "verified", mark));
}

/** Its packs were brought back, or something else is damaged: reading it tells. */
async function damagedBefore(
  vault: Vault,
  head: BackupHead,
  since: number | null,
  instance: Instance,
  options: VerifyOneOptions,
): Promise<VerifyResult | undefined> {
  if (since === null) return knownDamage(head) ?? undefined;
  return await unlessGone(() => verifyOne(vault, head, instance, { ...options, remember: true }));
}

async function setDamaged(vault: Vault, head: BackupHead, problem: string, now: number): Promise<VerifyResult> {
  const { id, manifestSha256 } = head;
  const result = { id, ok: false, entries: 0, bytes: 0, problem };
  if (foundDamage(head) !== undefined) return result;
  const at = new Date(now).toISOString();
  const mark: VerifiedMark = { at, holdfast_version: VERSION, manifest_sha256: manifestSha256, entries: 0, bytes: 0, ok: false, problem };
  try {
    await unlessGone(() => vault.setMark(id, "verified", mark));
    return result;
  } catch (error) {
    // Damage is told also where its verdict cannot be kept, as on a full disk.
    return { ...result, problem: `${problem}; this verdict could not be kept: ${namedSystemError(error, "keep it").message}` };
  }
}
