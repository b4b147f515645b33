import { bytesAdded, storedBelow } from "./added.ts";
import { bytesBeside } from "./beside.ts";
import type { Row } from "./comparisons.ts";
import { makeLiveTree } from "./live-tree.ts";
import { type Command, measure } from "./measure.ts";
import { componentsOf, ownVault } from "./own-vault.ts";
import { median } from "./pairs.ts";
import { findRestic } from "./peers.ts";
import type { Rig } from "./rig.ts";

const STEPS = 100;
/** At these the peer is measured; it is run at the step before as well, so that it stores one step as ours does, and at no other. */
const MEASURED = [1, 50, STEPS] as const;

/**
 * A hundred steps of activity with a backup after each: what the first and the last of them store, and what all do with the
 * rebase that comes on the way.
 */
export async function activity100(rig: Rig): Promise<Row[]> {
  await using live = await makeLiveTree(rig, { settled: false });
  const { name, peer } = await findRestic(rig, live.root);
  const vault = await ownVault(rig, "hundred", componentsOf(live.root));
  await measure(vault.command("backup"));
  await peer?.begin();
  if (peer !== null) await measure(peer.backup());

  const ours: number[] = [];
  const peers = new Map<number, number>();
  for (let step = 1; step <= STEPS; step += 1) {
    live.step();
    ours.push(await addedBy(vault.vault, vault.command("backup")));
    if (peer === null) continue;
    if (MEASURED.some((measured) => measured === step)) peers.set(step, await addedBy(peer.repository, peer.backup()));
    else if (MEASURED.some((measured) => measured === step + 1)) await measure(peer.backup());
  }
  const row = (what: string, bytes: number, found: number | undefined, must: number | null): Row[] =>
    bytesBeside(`activity100: ${what}`, bytes, [{ name, found: found ?? null }], must);
  const meanOfPeers = peers.size === 0 ? undefined : mean([...peers.values()]);
  const own = (step: number): number => ours[step - 1] ?? 0;
  return [
    ...row("added by step 1", own(1), peers.get(1), 1 / 40),
    ...row("added by step 50", own(50), peers.get(50), null),
    ...row("added by step 100", own(100), peers.get(100), null),
    // The change itself: every sixteenth backup or so merges small packs besides, and the hundredth may be such a one.
    ...row("the change itself, median of steps 91 to 100", median(ours.slice(-10)), peers.get(100), 1 / 40),
    ...row("mean of steps 1 to 100", mean(ours), meanOfPeers, 1 / 25),
    ...row("largest of steps 1 to 100", Math.max(...ours), meanOfPeers, null),
  ];
}

async function addedBy(folder: string, command: Command): Promise<number> {
  const before = storedBelow(folder);
  await measure(command, { sync: false });
  return bytesAdded(before, storedBelow(folder));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
