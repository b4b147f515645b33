import { lstatSync, statSync } from "node:fs";
import type { Config } from "../../config/index.ts";
import { anyOf, checkKeys, describeSlot, lostKeyDocument } from "../../repository/index.ts";
import { liesIn } from "../own-folders.ts";
import { vaultAt } from "../vault-at.ts";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";
import { diskOf } from "./mounts.ts";
import { placeOrNull } from "./place-or-null.ts";

/** Whether what opens the vault is safe from others, and outlives what the vault is for. `vault` says whether it opens it. */
export async function checkEncryption(patient: Patient): Promise<readonly Sight[]> {
  return [...(await checkSecret(patient)), ...(await checkDocuments(patient))];
}

/** The vault opens with one of its two key documents, and with none it never opens again. */
async function checkDocuments({ instance: { config } }: Patient): Promise<readonly Sight[]> {
  const { encryption, path: vault } = config.backup;
  const owner = encryption === null ? undefined : await vaultAt(vault);
  const lost = owner === undefined ? undefined : lostKeyDocument(vault, owner.id);
  if (lost === undefined) return [];
  return [warning(`${lost.problem}; the vault opens with the other of its two documents alone`, `Bring it back: ${lost.mend}`, lost.path)];
}

async function checkSecret(patient: Patient): Promise<readonly Sight[]> {
  const { encryption, path: vault } = patient.instance.config.backup;
  if (encryption === null) return [ok("The vault is in archive form: whoever can read it can read the backups")];
  if (encryption.kind === "none") return [ok("Encryption is off: whoever can read the vault can read the backups")];
  if (encryption.kind === "passphrase-command") return [ok("A program gives the passphrase")];
  const { path, kind } = encryption;
  const what = kind === "key-file" ? "key file" : "passphrase file";
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined)
    return [problem(`There is no ${what} at "${path}": no backup can be taken or read`, "Bring it back from where its copy is kept", path)];
  const sights = [
    ...ofOthers(stats, path),
    ...(liesIn(path, vault)
      ? [problem("It lies in the vault: whoever takes the vault has its key too", "Move it to another place", path)]
      : []),
    ...(await beside(patient, path, what)),
  ];
  return sights.length > 0 ? sights : [ok(`the ${what} is for this account alone, and on another disk than what is protected`, path)];
}

function ofOthers({ mode, uid }: { readonly mode: number; readonly uid: number }, path: string): readonly Sight[] {
  const own = process.geteuid?.() ?? uid;
  if ((mode & 0o077) !== 0)
    return [
      problem(
        `Others may read it (mode ${(mode & 0o7777).toString(8).padStart(4, "0")}), and it is refused`,
        `Think about who may have read it, then: chmod 600 "${path}"`,
        path,
      ),
    ];
  return uid === own || uid === 0 ? [] : [warning(`It belongs to user ${uid}, who may read it`, `chown it to user ${own}`, path)];
}

/** A disk that dies must not take the state and the key to its backups along. */
async function beside({ instance: { config }, place }: Patient, path: string, what: string): Promise<readonly Sight[]> {
  const inside: string[] = [];
  const together: string[] = [];
  for (const { name } of config.components) {
    const found = await placeOrNull(place, name);
    if (found === null || lstatSync(found, { throwIfNoEntry: false }) === undefined) continue;
    if (liesIn(path, found)) inside.push(name);
    else if (diskOf(found) === diskOf(path)) together.push(name);
  }
  if (inside.length > 0)
    return [
      warning(
        `It lies in ${inside.join(", ")}, and is left out of its backups, which only it opens`,
        "Move it out, and keep a copy off this machine",
        path,
      ),
    ];
  if (together.length === 0) return [];
  const others = await otherWays(config);
  if (others !== undefined)
    return [ok(`It lies on the same disk as ${together.join(", ")}; the vault has more ways to open it: ${others}`, path)];
  return [
    warning(
      `It lies on the same disk as ${together.join(", ")}: when that disk dies, no backup can be opened without another copy of it`,
      `Keep a copy of the ${what} off this machine, and move this one to another disk where there is one`,
      path,
    ),
  ];
}

/** In words; undefined when the vault opens in one way only, or does not say. */
async function otherWays({ backup }: Config): Promise<string | undefined> {
  const owner = await vaultAt(backup.path);
  if (owner === undefined) return undefined;
  const slots = checkKeys(backup.path, owner.id, []).epochs[0]?.slots ?? [];
  return slots.length < 2 ? undefined : anyOf(slots.map(describeSlot));
}
