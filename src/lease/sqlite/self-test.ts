import { closeSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { HostError, removeTree } from "../../kernel/index.ts";
import { askBeacon, lightBeacon, makeBeacons } from "./beacon.ts";
import { refuseRemoteFolder } from "./store.ts";

/**
 * Whether a pipe in this folder tells who lives: nobody before it is opened, somebody while it is, nobody after.
 *
 * @throws HostError LEASE_BEACON_UNAVAILABLE, FILE_SYSTEM_UNSUPPORTED
 */
export function testBeacon(folder: string, name: string): void {
  const before = askBeacon(folder, name);
  const descriptor = lightBeacon(folder, name);
  const during = askBeacon(folder, name);
  closeSync(descriptor);
  const after = askBeacon(folder, name);
  if (before === "no-reader" && during === "reader" && after === "no-reader") return;
  throw new HostError(
    "LEASE_BEACON_UNAVAILABLE",
    `A named pipe in "${folder}" does not tell who has it open: ${before}, ${during}, ${after}`,
    {
      hint: "Set state_dir to a folder on a local disk",
    },
  );
}

/** The same on a pipe of its own, which is gone afterwards; for doctor. */
export function testLeaseFolder(stateDir: string): void {
  refuseRemoteFolder(stateDir);
  const folder = mkdtempSync(join(stateDir, "lease-test-"));
  try {
    makeBeacons(folder, ["beacon-0"]);
    testBeacon(folder, "beacon-0");
  } finally {
    removeTree(folder);
  }
}
