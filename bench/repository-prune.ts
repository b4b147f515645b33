import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type Row, seconds } from "./comparisons.ts";
import { multiplyRepository } from "./many-backups.ts";
import { measure, run } from "./measure.ts";
import { ownVault } from "./own-vault.ts";
import { inPairs, median, type Paired, type Side } from "./pairs.ts";
import type { Rig } from "./rig.ts";

const COUNT = 1000;
/** Of a thousand days; what stays is the newest of thirty days, twelve weeks and twelve months. */
const RETENTION = "retention: { max_count: 1, max_age_days: 1, daily: 30, weekly: 12, monthly: 12 }";
const MUST = 0.3;
/** Commands of a fifth of a second: noise is a large part of one. */
const ROUNDS = 7;

/**
 * `holdfast prune` of a thousand backups of a hundred packs each, as a whole process beside `node -e 0`: when retention takes
 * nearly all of them away, when the trash with those and their packs is emptied, and when there is nothing to do.
 */
export async function repositoryPrune(rig: Rig, rounds: number): Promise<Row[]> {
  const state = rig.place("prune-state");
  mkdirSync(state);
  const components = Object.fromEntries(
    ["persistence", "memory", "checkpoints", "logs"].map((name) => [name, { path: `${state}/${name}` }]),
  );
  for (const { path } of Object.values(components)) writeFileSync(path, "{}\n");
  const own = await ownVault(rig, "prune-thousand", components, [RETENTION]);
  await measure(own.command("backup"), { sync: false });
  multiplyRepository(own.vault, own.keyFile, { count: COUNT, packs: 100, fresh: 2 });
  const full = rig.place("prune-full");
  renameSync(own.vault, full);
  // cp keeps holes: the packs hold nothing, and are 35 GB without them.
  const layOut = async (from: string): Promise<void> => {
    rmSync(own.vault, { recursive: true, force: true });
    await run(["cp", "-a", from, own.vault]);
  };
  const prune = (prepare: Side["prepare"]): Side => ({ prepare, run: () => measure(own.command("prune", "--quiet")) });
  const node: Side = { prepare: () => {}, run: () => measure({ name: "node -e 0", argv: [process.execPath, "-e", "0"] }) };
  const many = Math.max(ROUNDS, rounds);

  const removing = await inPairs(
    prune(() => layOut(full)),
    node,
    many,
  );
  const removed = rig.place("prune-removed");
  renameSync(own.vault, removed);
  const sweeping = await inPairs(
    prune(() => layOut(removed)),
    node,
    many,
  );
  const nothing = await inPairs(
    prune(() => {}),
    node,
    many,
  );
  for (const path of [full, removed, own.vault]) rmSync(path, { recursive: true });
  return [
    row("prune of 1,000: 950 go to the trash / node -e 0", removing, MUST),
    row("prune after it: 950 and 1,900 packs are gone for good / node -e 0", sweeping, MUST),
    row("prune of the 50 left / node -e 0", nothing, null),
  ];
}

function row(what: string, { ours, peers }: Paired, must: number | null): Row {
  return {
    what: `repository: ${what}`,
    ours: seconds(ours),
    peer: seconds(peers),
    value: median(ours.map(({ wall }) => wall)),
    unit: "seconds",
    must,
  };
}
