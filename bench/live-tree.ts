import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { applyActivity } from "./activity.ts";
import { checkpoint } from "./checkpoint.ts";
import type { Rig } from "./rig.ts";

/** Longer than the two minutes before a backup in which times are not believed. Milliseconds. */
const SETTLED = 125_000;

/** A copy of the workload that changes while another process has its database open. */
export interface LiveTree extends AsyncDisposable {
  readonly root: string;
  /** The next step of activity, and the checkpoint that the runtime would make: without it the database file does not change. */
  readonly step: () => void;
}

/** @param options.settled false when no time is measured: then nobody waits until the copy is old enough to be believed */
export async function makeLiveTree(rig: Rig, options: { readonly settled?: boolean } = {}): Promise<LiveTree> {
  const root = rig.place("live");
  const database = join(root, "data", "agent.db");
  cpSync(rig.workload.root, root, { recursive: true, preserveTimestamps: true });
  const held = await rig.hold(root);
  let { counts, steps } = rig.workload;
  if (options.settled !== false) await settle();
  return {
    root,
    step: () => {
      steps += 1;
      counts = applyActivity(root, rig.workload.seed, steps, counts);
      checkpoint(database);
    },
    [Symbol.asyncDispose]: async () => {
      await held[Symbol.asyncDispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Until what was written is believed: a file that was written just before a backup is read again at the next one. */
export async function settle(): Promise<void> {
  await setTimeout(SETTLED);
}
