import { trashFolder } from "../../local-vault/index.ts";
import { formatBytes } from "../../kernel/index.ts";
import { measureFolder } from "../measure-folder.ts";
import { damageIn } from "../read-listing.ts";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";

/** What lies in the vault and should not, or should and does not. */
export async function checkVaultContents({ instance: { config }, listing: read }: Patient): Promise<readonly Sight[]> {
  const listing = await read();
  const sights: Sight[] = damageIn(listing).map((line) =>
    problem(line, "Look at who changed the vault; take a new backup, and verify the others: holdfast verify --all"),
  );
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
