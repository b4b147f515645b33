import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Crashpoint } from "../../src/kernel/index.ts";
import { openRepositoryVault } from "../../src/repository/index.ts";
import { seededRandom } from "./seeded-random.ts";

const CHILD = fileURLToPath(new URL("vault-crowd-child.ts", import.meta.url));
const ROLES = ["writer-one", "writer-two", "reader", "pruner"] as const;
type Role = (typeof ROLES)[number];

/** Where each may die by itself; it is killed anywhere else as well. */
const POINTS: Readonly<Record<Role, readonly Crashpoint[]>> = {
  "writer-one": ["backup-claimed", "pack-before-publish", "pack-published", "repository-content-stored", "backup-before-publish"],
  "writer-two": ["backup-all-stored", "backup-before-sync", "backup-published", "backup-committed"],
  reader: [],
  pruner: ["removal-recorded", "removal-moved", "trash-set-aside", "pack-swept", "trash-emptying", "records-summarized", "record-swept"],
};

interface Line {
  readonly committed?: string;
  readonly removing?: readonly string[];
  readonly read?: string;
  readonly swept?: number;
  readonly wrong?: string;
}

/** What they said, all together. */
export interface CrowdSays {
  readonly committed: ReadonlySet<string>;
  /** Whether these are there is not known: some were killed in between. */
  readonly removing: ReadonlySet<string>;
  readonly read: number;
  readonly swept: number;
  readonly kills: number;
  readonly wrong: readonly string[];
}

/**
 * Lets two writers, a reader and a pruner loose on one vault, and kills one of them after another, at once or at a
 * crashpoint; each is followed by another of its kind.
 */
export async function letLoose(folder: string, kills: number, seed: number): Promise<CrowdSays> {
  mkdirSync(join(folder, "models"), { recursive: true });
  {
    const common = { instance: { name: "contract" }, secrets: [{ kind: "none" }] as const, create: true };
    await using _ = await openRepositoryVault({ ...common, path: join(folder, "vault"), cacheFolder: join(folder, "cache") });
  }
  const random = seededRandom(seed);
  const committed = new Set<string>();
  const removing = new Set<string>();
  const wrong: string[] = [];
  const running = new Set<ChildProcess>();
  let [read, swept, killed, number] = [0, 0, 0, 0];
  let over = false;

  const hear = ({ committed: id, removing: ids, read: one, swept: many, wrong: what }: Line): void => {
    if (id !== undefined) committed.add(id);
    for (const going of ids ?? []) removing.add(going);
    if (one !== undefined) read += 1;
    swept += many ?? 0;
    if (what !== undefined) wrong.push(what);
  };
  /** One of a kind after another, until it is over. */
  const play = async (role: Role): Promise<void> => {
    while (!over) {
      const points = POINTS[role];
      const point = random() < 0.4 ? points[Math.floor(random() * points.length)] : undefined;
      let lines = 3 + Math.floor(random() * 25);
      const own = String((number += 1) + seed * 1000);
      const child = spawn(process.execPath, [CHILD, folder, role, own], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, ...(point === undefined ? {} : { HOLDFAST_CRASHPOINT: point }) },
      });
      running.add(child);
      const ended = new Promise((resolve) => child.once("close", resolve));
      createInterface({ input: child.stdout }).on("line", (text) => {
        hear(JSON.parse(text) as Line);
        if ((lines -= 1) === 0) child.kill("SIGKILL");
      });
      await ended;
      running.delete(child);
      rmSync(join(folder, `state-${role}-${own}`), { recursive: true, force: true });
      killed += 1;
      if (killed < kills && wrong.length === 0) continue;
      over = true;
      for (const other of running) other.kill("SIGKILL");
    }
  };
  await Promise.all(ROLES.map(play));
  return { committed, removing, read, swept, kills: killed, wrong };
}
