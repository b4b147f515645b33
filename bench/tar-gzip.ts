import { rmSync } from "node:fs";
import type { Command } from "./measure.ts";
import type { Peer } from "./peers.ts";
import type { Rig } from "./rig.ts";

/** What everybody has. It encrypts nothing, flushes nothing, and stores everything each time. */
export function tarGzipAt(rig: Rig, live: string): Peer {
  const archive = rig.place("peer.tar.gz");
  const shell = (name: string, script: string, ...args: string[]): Command => ({
    name: `${name} of ${archive}`,
    argv: ["sh", "-c", script, "sh", archive, ...args],
  });
  return {
    name: "tar, gzip",
    repository: archive,
    begin: () => Promise.resolve(rmSync(archive, { force: true })),
    backup: () => shell("tar, gzip -6", 'tar -c -C "$2" . | gzip -6 > "$1"', live),
    verify: shell("gzip -t", 'gzip -t "$1"'),
    restore: (target) => shell("gzip -d, tar -x", 'mkdir -p "$2" && gzip -dc "$1" | tar -x -C "$2"', target),
  };
}
