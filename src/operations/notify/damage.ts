import { damageIn } from "../read-listing.ts";
import { foundDamage, type Listing } from "../../vault/index.ts";
import type { Instance } from "../instance.ts";
import { tellConditions, type Sighting } from "./conditions.ts";

/** What is wrong with the vault as a whole, in place of a backup's id. */
const VAULT = "vault";
const LINES = 5;

/** What the vault itself says of its damage: the verdicts beside its backups, and its own records. */
export function damageSighting(listing: Listing): Sighting {
  const present = new Map<string, string>();
  for (const head of listing.backups) {
    const damage = foundDamage(head);
    if (damage !== undefined) present.set(head.id, damage);
  }
  addVault(present, damageIn(listing));
  return { event: "damage", present };
}

/** What a verification found, of the backups that it read and of the vault. Never throws. */
export async function tellDamage(
  instance: Instance,
  {
    results,
    vault,
  }: { readonly results: readonly { readonly id: string; readonly problem: string | null }[]; readonly vault: readonly string[] },
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const present = new Map<string, string>();
  for (const { id, problem } of results) if (problem !== null) present.set(id, problem);
  addVault(present, vault);
  return await tellConditions(instance, [{ event: "damage", present, looked: new Set([...results.map(({ id }) => id), VAULT]) }], signal);
}

function addVault(present: Map<string, string>, lines: readonly string[]): void {
  if (lines.length === 0) return;
  const more = lines.length - LINES;
  present.set(VAULT, `${lines.slice(0, LINES).join("; ")}${more > 0 ? ` and ${more} more` : ""}`);
}
