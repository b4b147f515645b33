import { activity100 } from "./activity-steps.ts";
import { gzip, inPlace, plain, prune, type Row, start } from "./comparisons.ts";
import { growth } from "./growth.ts";
import { memory, type MemoryForm } from "./memory.ts";
import { repository } from "./repository.ts";
import { repositoryPrune } from "./repository-prune.ts";
import type { Rig } from "./rig.ts";

/** What there is to measure, in the order in which it is: a tenth of a second is not measured while a disk still digests what was deleted before. */
export const SECTIONS = [
  "gzip",
  "plain",
  "in-place",
  "prune",
  "start",
  "repository-prune",
  "repository",
  "activity100",
  "growth",
  "memory",
] as const;
export type Section = (typeof SECTIONS)[number];

export interface Asked {
  readonly rounds: number;
  /** For `memory`. */
  readonly forms: readonly MemoryForm[];
}

export const RUNS: Readonly<Record<Section, (rig: Rig, asked: Asked) => Promise<Row[]>>> = {
  gzip: async (rig, { rounds }) => await gzip(rig, rounds),
  plain: async (rig, { rounds }) => await plain(rig, rounds),
  "in-place": async (rig, { rounds }) => await inPlace(rig, rounds),
  prune: async (rig, { rounds }) => await prune(rig, rounds),
  start: async (rig, { rounds }) => await start(rig, rounds),
  "repository-prune": async (rig, { rounds }) => await repositoryPrune(rig, rounds),
  repository: async (rig, { rounds }) => await repository(rig, rounds),
  activity100,
  growth: async (rig, { rounds }) => await growth(rig, rounds),
  memory: async (rig, { forms }) => await memory(rig, forms),
};
