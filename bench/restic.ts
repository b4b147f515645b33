import { rmSync } from "node:fs";
import { type Command, measure } from "./measure.ts";
import type { Peer } from "./peers.ts";
import type { Rig } from "./rig.ts";

/** As it comes: encrypted, compressed by its own measure. The password is in a file, as for every scripted use of it. */
export function resticAt(rig: Rig, live: string): Peer {
  const [repository, cache] = [rig.place("restic"), rig.place("restic-cache")];
  const password = rig.writeFile("restic-password", "bench\n");
  const command = (...args: string[]): Command => ({
    name: `restic ${args.join(" ")}`,
    argv: ["restic", "--quiet", "--repo", repository, "--password-file", password, "--cache-dir", cache, ...args],
  });
  return {
    name: "restic",
    repository,
    begin: async () => {
      for (const path of [repository, cache]) rmSync(path, { recursive: true, force: true });
      await measure(command("init"), { sync: false });
    },
    backup: () => command("backup", live),
    verify: command("check", "--read-data"),
    restore: (target) => command("restore", "latest", "--target", target),
  };
}
