import { trashFolder } from "../../local-vault/index.ts";
import { formatBytes } from "../../kernel/index.ts";
import { measureFolder } from "../measure-folder.ts";
import { damageIn } from "../read-listing.ts";
import { recordedDamage } from "../recorded-damage.ts";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";
import { packSights } from "./packs.ts";

const ADVICE_PACKS =
  "Take a backup, which stores anew what is damaged: holdfast backup. To use the damaged ones again, bring their packs back from a copy " +
  "of the vault: then holdfast verify --sample 100% clears the verdicts. Or delete them: holdfast backup delete";
const ADVICE_ARCHIVES =
  "Take a backup, which needs none of them: holdfast backup. To use the damaged ones again, bring them back from a copy of the vault: " +
  "then holdfast verify --all clears the verdicts. Or delete them: holdfast backup delete";

/** What lies in the vault and should not, or should and does not. */
export async function checkVaultContents({ instance: { config }, vault }: Patient): Promise<readonly Sight[]> {
  const seen = await vault();
  const { listing } = seen;
  const sights: Sight[] = damageIn(listing).map((line) =>
    problem(line, "Take a new backup: holdfast backup. Look at who changed the vault, and verify the others: holdfast verify --all"),
  );
  sights.push(...packSights(seen));
  const recorded = recordedDamage(listing);
  if (recorded !== null) sights.push(warning(recorded.line, recorded.newest.form === "repository" ? ADVICE_PACKS : ADVICE_ARCHIVES));
  for (const name of listing.unfinished)
    sights.push(warning(`"${name}" is unfinished work of a process that ended`, "Nothing: the next backup removes it"));
  for (const name of listing.foreign)
    sights.push(warning(`"${name}" is not a backup; it is left alone`, "Move it out of the vault when nobody knows it"));
  if (listing.trash.length > 0) {
    const { bytes } = measureFolder(trashFolder(config.backup.path));
    const what = listing.trash.length === 1 ? "1 backup" : `${listing.trash.length} backups`;
    sights.push(ok(`${what} in the trash, ${formatBytes(bytes)}; the next prune deletes what lies there`, "trash"));
  }
  return sights.some(({ verdict }) => verdict !== "ok") ? sights : [ok("Nothing damaged, missing, unfinished or foreign"), ...sights];
}
