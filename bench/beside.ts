import { megabytes, type Row, seconds, timeRow } from "./comparisons.ts";
import type { Measurement } from "./measure.ts";
import { inTurn, paired, type Side } from "./pairs.ts";
import { type Candidate, JUDGE, type Peer } from "./peers.ts";

/** What a peer measured in the same rounds; null: it is not installed. */
export interface Beside<T> {
  readonly name: string;
  readonly found: T | null;
}

/**
 * Runs our sides and those of the peers that are here in turn.
 *
 * @returns for each of ours what was measured, and the same for every candidate
 */
export async function turnsWith(
  ours: readonly Side[],
  candidates: readonly Candidate[],
  sideOf: (peer: Peer) => Side,
  rounds: number,
): Promise<{ readonly ours: readonly Measurement[][]; readonly beside: readonly Beside<Measurement[]>[] }> {
  const peers = candidates.flatMap(({ peer }) => (peer === null ? [] : [peer]));
  const measured = await inTurn([...ours, ...peers.map(sideOf)], rounds);
  const ofPeers = measured.slice(ours.length);
  return {
    ours: measured.slice(0, ours.length),
    beside: candidates.map(({ name, peer }) => ({ name, found: peer === null ? null : (ofPeers[peers.indexOf(peer)] ?? null) })),
  };
}

/** A row for each peer. The one that the targets name is judged; without it the row stays, and says that it is not judged. */
export function timesBeside(
  what: string,
  ours: readonly Measurement[],
  beside: readonly Beside<readonly Measurement[]>[],
  must: number,
): Row[] {
  return beside.map(({ name, found }) => {
    const limit = name === JUDGE ? must : null;
    if (found !== null) return timeRow(`${what} / ${name}`, paired(ours, found), limit);
    return missing(`${what} / ${name}`, seconds(ours), limit);
  });
}

export function bytesBeside(what: string, ours: number, beside: readonly Beside<number>[], must: number | null): Row[] {
  return beside.map(({ name, found }) => {
    const limit = name === JUDGE ? must : null;
    const own = megabytes(ours, 2);
    if (found === null) return missing(`${what} / ${name}`, own, limit);
    return { what: `${what} / ${name}`, ours: own, peer: megabytes(found, 2), value: ours / found, unit: "ratio", must: limit };
  });
}

function missing(what: string, ours: string, must: number | null): Row {
  return { what, ours, peer: "not installed", value: null, unit: "ratio", must };
}
