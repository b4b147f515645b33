import { bytesAdded, storedBelow } from "./added.ts";
import { bytesBeside, timesBeside, turnsWith } from "./beside.ts";
import type { Row } from "./comparisons.ts";
import { fromMemory } from "./from-memory.ts";
import type { LiveTree } from "./live-tree.ts";
import { type Command, measure, type Measurement } from "./measure.ts";
import { componentsOf, type OwnVault, ownVault, type Read, wasRead } from "./own-vault.ts";
import { median, type Side } from "./pairs.ts";
import type { Candidate } from "./peers.ts";
import type { Rig } from "./rig.ts";

/** Steps of activity, each the same for all, who back it up one after the other: ours once with the database copied and once read in place. */
export async function afterActivity(
  rig: Rig,
  live: LiveTree,
  pinned: OwnVault,
  candidates: readonly Candidate[],
  rounds: number,
): Promise<Row[]> {
  // A vault of its own, which sees the same: each compares with a backup that it read in its own way.
  const staged = await ownVault(rig, "staged", componentsOf(live.root, "staged"));
  await measure(staged.command("backup"));
  const added = new Map<string, number[]>();
  const counting = (name: string, folder: string, command: () => Command, prepare: () => void = () => {}): Side => {
    const run = async (): Promise<Measurement> => {
      const before = storedBelow(folder);
      const measured = await measure(command());
      added.set(name, [...(added.get(name) ?? []), bytesAdded(before, storedBelow(folder))]);
      return measured;
    };
    return fromMemory({ prepare, run }, live.root);
  };
  const reads = new Map<Read, Set<string>>();
  const reading = (read: Read, own: OwnVault, prepare: () => void): Side => {
    const counted = counting(read, own.vault, () => own.command("backup"), prepare);
    const run = async (): Promise<Measurement> => {
      const measured = await counted.run();
      reads.set(read, (reads.get(read) ?? new Set()).add(await wasRead(own)));
      return measured;
    };
    return { ...counted, run };
  };
  const { ours, beside } = await turnsWith(
    [reading("pinned", pinned, live.step), reading("staged", staged, () => {})],
    candidates,
    (peer) => counting(peer.name, peer.repository, peer.backup),
    rounds,
  );
  const addedBy = candidates.map(({ name, peer }) => ({ name, found: peer === null ? null : median(added.get(name) ?? []) }));
  return [
    ...ifReadSo("pinned", reads, timesBeside("repository: after activity, pinned", ours[0] ?? [], beside, 0.25)),
    ...ifReadSo("staged", reads, timesBeside("repository: after activity, staged", ours[1] ?? [], beside, 0.6)),
    ...bytesBeside("repository: added by activity", median(added.get("pinned") ?? []), addedBy, 1 / 40),
  ];
}

/** The time of another way to read is not the time that was asked for. */
function ifReadSo(wanted: Read, reads: ReadonlyMap<Read, ReadonlySet<string>>, rows: readonly Row[]): readonly Row[] {
  const found = [...(reads.get(wanted) ?? [])];
  if (found.every((read) => read === wanted)) return rows;
  return rows.map((row) => ({ ...row, what: `${row.what} (was read ${found.join(", ")})`, value: null }));
}
