import { existsSync } from "node:fs";
import { ok, warning, type Patient, type Sight } from "./check.ts";
import { diskOf } from "./mounts.ts";
import { placeOrNull } from "./place-or-null.ts";

/** A disk that dies takes everything on it along: state and backups on one disk are one copy. */
export async function checkDisk({ instance: { config }, place }: Patient): Promise<readonly Sight[]> {
  const vault = diskOf(config.backup.path);
  const together: string[] = [];
  for (const { name } of config.components) {
    const path = await placeOrNull(place, name);
    if (path !== null && existsSync(path) && diskOf(path) === vault) together.push(name);
  }
  if (together.length === 0) return [ok("The vault lies on another disk than what it protects")];
  return [
    warning(
      `The vault lies on the same disk as ${together.join(", ")}: when that disk dies, both are gone`,
      "Mount another disk and move backup.path there, or copy the vault elsewhere regularly",
    ),
  ];
}
