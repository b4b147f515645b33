import { afterActivity } from "./after-activity.ts";
import { bytesBeside, timesBeside, turnsWith } from "./beside.ts";
import type { Row } from "./comparisons.ts";
import { FreshTargets } from "./fresh-targets.ts";
import { fromMemory } from "./from-memory.ts";
import { makeLiveTree, settle } from "./live-tree.ts";
import { type Command, measure } from "./measure.ts";
import { componentsOf, type OwnVault, ownVault } from "./own-vault.ts";
import type { Side } from "./pairs.ts";
import { type Candidate, findPeers } from "./peers.ts";
import { bytesBelow, type Rig } from "./rig.ts";
import { tarGzipAt } from "./tar-gzip.ts";

/**
 * The repository form beside restic, and for information beside borg and tar, on the same live state, which another process
 * has open: a first backup, one of what has not changed, backups after steps of activity, verifying and restoring everything.
 */
export async function repository(rig: Rig, rounds: number): Promise<Row[]> {
  await using live = await makeLiveTree(rig, { settled: false });
  const own = await ownVault(rig, "repository", componentsOf(live.root));
  // The configuration is backed up as well, and has to be as old as the rest.
  await settle();
  const incremental = await findPeers(rig, live.root);
  const all = [...incremental, { name: "tar, gzip", peer: tarGzipAt(rig, live.root) }];
  return [
    ...(await first(own, live.root, all, rounds)),
    ...(await unchanged(own, live.root, incremental, rounds)),
    ...(await afterActivity(rig, live, own, incremental, rounds)),
    ...(await verify(own, all, rounds)),
    ...(await restore(rig, own, all, rounds)),
  ];
}

/** A run that needs nothing done before it. */
function plainly(command: () => Command): Side {
  return { prepare: () => {}, run: () => measure(command()) };
}

async function first(own: OwnVault, root: string, candidates: readonly Candidate[], rounds: number): Promise<Row[]> {
  const { ours, beside } = await turnsWith(
    [fromMemory({ ...plainly(() => own.command("backup")), prepare: own.forget }, root)],
    candidates,
    (peer) => fromMemory({ ...plainly(peer.backup), prepare: peer.begin }, root),
    rounds,
  );
  const stored = candidates.map(({ name, peer }) => ({ name, found: peer === null ? null : bytesBelow(peer.repository) }));
  return [
    ...timesBeside("repository: first backup", ours[0] ?? [], beside, 0.7),
    ...bytesBeside("repository: stored", bytesBelow(own.vault), stored, 0.95),
  ];
}

async function unchanged(own: OwnVault, root: string, candidates: readonly Candidate[], rounds: number): Promise<Row[]> {
  const backup = plainly(() => own.command("backup"));
  const { ours, beside } = await turnsWith(
    [fromMemory(backup, root)],
    candidates,
    (peer) => fromMemory(plainly(peer.backup), root),
    rounds,
  );
  return timesBeside("repository: nothing changed", ours[0] ?? [], beside, 0.15);
}

async function verify(own: OwnVault, candidates: readonly Candidate[], rounds: number): Promise<Row[]> {
  const { ours, beside } = await turnsWith(
    [
      fromMemory(
        plainly(() => own.command("verify", "latest")),
        own.vault,
      ),
    ],
    candidates,
    (peer) =>
      fromMemory(
        plainly(() => peer.verify),
        peer.repository,
      ),
    rounds,
  );
  return timesBeside("repository: verify everything", ours[0] ?? [], beside, 0.6);
}

/** What is restored is on the disk when the time ends, whoever restored it. */
async function restore(rig: Rig, own: OwnVault, candidates: readonly Candidate[], rounds: number): Promise<Row[]> {
  using targets = new FreshTargets(rig);
  const synced = (command: Command): Command => ({ ...command, argv: ["sh", "-c", '"$@" && sync -f "$0"', rig.folder, ...command.argv] });
  const side = (command: (target: string) => Command): Side => plainly(() => synced(command(targets.next())));
  const { ours, beside } = await turnsWith(
    [side((target) => own.command("restore", "latest", "--to", target, "--yes", "--quiet"))],
    candidates,
    (peer) => side((target) => peer.restore(target)),
    rounds,
  );
  return timesBeside("repository: restore, sync -f", ours[0] ?? [], beside, 0.75);
}
