import { HoldfastError } from "../../kernel/index.ts";
import { foundDamage } from "../../vault/index.ts";
import { describeLoss, type SeenVault } from "../read-vault.ts";
import { problem, unknown, warning, type Sight } from "./check.ts";

/** So many backups are named; of more their number is told. */
const NAMED = 5;
const ADVICE =
  "Take a backup, which stores anew what is lost: holdfast backup. Bring the packs back from a copy of the vault; without one, " +
  "holdfast verify --all records the backups as damaged, and holdfast backup delete removes them. Look at who changes the vault";

/** Which packs are not there as they were stored, and which backups need them. */
export function packSights({ listing: { backups }, packs }: SeenVault): readonly Sight[] {
  if (packs instanceof HoldfastError)
    return [unknown(packs.message, packs.hint ?? "Look into this first: it cannot be told whether packs are missing", "packs")];
  const sights = packs.untold.map(({ id, problem: why }) => problem(`It cannot be told which packs ${id} needs: ${why}`, ADVICE, "packs"));
  const ids = new Set(packs.lost.flatMap((pack) => pack.backups));
  const needing = backups.filter(({ id }) => ids.has(id));
  if (needing.length === 0) return sights;
  const more = needing.length > NAMED ? `, and ${needing.length - NAMED} more` : "";
  const named = needing.slice(0, NAMED).map(({ id }) => id);
  const which = `${needing.length === 1 ? "1 backup needs" : `${needing.length} backups need`} what is lost: ${named.join(", ")}${more}`;
  // What is recorded already is no news, and goes with those backups.
  const tell = needing.every((head) => foundDamage(head) !== undefined) ? warning : problem;
  return [...sights, tell(`${describeLoss(packs.lost)}. ${which}`, ADVICE, "packs")];
}
