import { mkdirSync, rmSync } from "node:fs";
import { type Command, measure } from "./measure.ts";
import type { Peer } from "./peers.ts";
import type { Rig } from "./rig.ts";

/** Encrypted and authenticated, its key in the repository under a passphrase; zstd at the level that ours has. */
export function borgAt(rig: Rig, live: string): Peer {
  const [repository, base] = [rig.place("borg"), rig.place("borg-base")];
  const env = { BORG_REPO: repository, BORG_BASE_DIR: base, BORG_PASSPHRASE: "bench" };
  const command = (...args: string[]): Command => ({ name: `borg ${args.join(" ")}`, argv: ["borg", ...args], env });
  let taken = 0;
  return {
    name: "borg",
    repository,
    begin: async () => {
      for (const path of [repository, base]) rmSync(path, { recursive: true, force: true });
      taken = 0;
      await measure(command("init", "--encryption", "repokey"), { sync: false });
    },
    backup: () => {
      taken += 1;
      return { ...command("create", "--compression", "zstd,3", `::${taken}`, "."), cwd: live };
    },
    verify: command("check", "--verify-data"),
    restore: (target) => {
      mkdirSync(target, { recursive: true });
      return { ...command("extract", `::${taken}`), cwd: target };
    },
  };
}
