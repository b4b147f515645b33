import { statSync } from "node:fs";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";

/** Who could read what was backed up, and who could change which programs are run. */
export function checkConfiguration({ instance: { config } }: Patient): readonly Sight[] {
  return [fileSight(config.file), folderSight(config.folder), ...[config.stateDir, config.backup.path].map(privateSight)];
}

/** Its own trust was asked when it was loaded; that it has any is so. */
function fileSight(file: string): Sight {
  const { mode, uid } = statSync(file);
  return ok(`readable and trusted: mode ${octal(mode)}, of user ${uid}`, file);
}

/** Who may write to the folder may put another configuration into it. */
function folderSight(folder: string): Sight {
  const { mode, uid } = statSync(folder);
  const sticky = (mode & 0o1000) !== 0;
  if ((mode & 0o002) !== 0 && !sticky)
    return problem(
      `Everybody may write to it (mode ${octal(mode)}), and so put another configuration there`,
      `chmod o-w "${folder}"`,
      folder,
    );
  const own = process.geteuid?.() ?? uid;
  if (uid !== own && uid !== 0)
    return warning(`It belongs to user ${uid}, who may put another configuration there`, "Run Holdfast as that account", folder);
  return ok(`mode ${octal(mode)}`, folder);
}

function privateSight(folder: string): Sight {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return ok("not there yet: the first backup makes it, for this account alone", folder);
  if (!stats.isDirectory()) return problem("It is no folder", "Move it away, or correct the configuration", folder);
  const own = process.geteuid?.() ?? stats.uid;
  if (stats.uid !== own && own !== 0)
    return problem(`It belongs to user ${stats.uid}, and this account is ${own}`, "Run Holdfast as the account that owns it", folder);
  if ((stats.mode & 0o077) !== 0) return warning(`Others may look into it (mode ${octal(stats.mode)})`, `chmod 700 "${folder}"`, folder);
  return ok(`mode ${octal(stats.mode)}`, folder);
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
