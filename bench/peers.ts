import { borgAt } from "./borg.ts";
import { type Command, run } from "./measure.ts";
import { resticAt } from "./restic.ts";
import type { Rig } from "./rig.ts";

/** Somebody else's way to keep the same state. */
export interface Peer {
  readonly name: string;
  /** Where it keeps what it stores: a file or a folder. */
  readonly repository: string;
  /** Nothing is left of earlier backups. */
  readonly begin: () => Promise<void>;
  readonly backup: () => Command;
  /** Reads everything back. */
  readonly verify: Command;
  /** Puts the newest back into an empty folder. */
  readonly restore: (target: string) => Command;
}

/** A peer by name; null: this machine does not have it. */
export interface Candidate {
  readonly name: string;
  readonly peer: Peer | null;
}

/** What the targets are ratios to. Others are for information. */
export const JUDGE = "restic";

/** Those that encrypt, and store again only what changed. */
export async function findPeers(rig: Rig, live: string): Promise<readonly Candidate[]> {
  return [await findRestic(rig, live), { name: "borg", peer: (await isInstalled("borg")) ? borgAt(rig, live) : null }];
}

export async function findRestic(rig: Rig, live: string): Promise<Candidate> {
  return { name: JUDGE, peer: (await isInstalled("restic")) ? resticAt(rig, live) : null };
}

async function isInstalled(program: string): Promise<boolean> {
  try {
    await run(["sh", "-c", 'command -v "$1"', "sh", program]);
    return true;
  } catch {
    return false;
  }
}
