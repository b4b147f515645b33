import { existsSync, readdirSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { ConflictError, UsageError, type Clock } from "../kernel/index.ts";
import { checkKeys, fingerprintOf, readKeyFile } from "../repository/index.ts";
import type { VaultIdentity } from "../vault/index.ts";
import { chooseKeyPlace, keysHome, makeKeyedVault, refuseInsideVault, type KeyedVault } from "./keys/index.ts";
import { vaultAt } from "./vault-at.ts";

export type VaultForm = VaultIdentity["form"];

export interface VaultWish {
  /** Absolute; what is protected. */
  readonly folder: string;
  readonly name: string;
  /** Absolute folder of the vault. */
  readonly vault: string;
  readonly format?: VaultForm;
  readonly keyFile?: string;
  readonly env: NodeJS.ProcessEnv;
}

export type VaultPlan =
  | { readonly format: "archive"; readonly isThere: boolean }
  | {
      readonly format: "repository";
      readonly vault: string;
      readonly name: string;
      readonly cacheFolder: string;
      /** Absolute. */
      readonly keyFile: string;
      /** Said to the user: why there. */
      readonly keyWhy: string;
      readonly besideState: boolean;
      /** Whether the vault is there and opens with it. */
      readonly isThere: boolean;
    };

type RepositoryPlan = Extract<VaultPlan, { format: "repository" }>;

/** What opens a vault that `init` has named. */
export interface NewVault extends Pick<KeyedVault, "keyFile" | "fingerprint"> {
  readonly keyWhy: string;
  /** The key file lies on the disk that it is to survive. */
  readonly besideState: boolean;
  /** null: the vault was there, and its code was handed over when it was made. */
  readonly recovery: Pick<KeyedVault, "sheet" | "code"> | null;
}

/** Which form a vault is to have and where its key goes. Makes nothing. */
export async function planVault(wish: VaultWish): Promise<VaultPlan> {
  const { folder, name, vault, env } = wish;
  const there = existsSync(vault) ? await vaultAt(vault) : undefined;
  const format = wish.format ?? there?.form ?? "repository";
  if (there !== undefined && there.form !== format) {
    throw new ConflictError("VAULT_OTHER_FORM", `The vault at "${vault}" is in ${there.form} form, not in ${format} form`, {
      hint: `Leave --format out to go on with it, or give --vault another folder; nothing was changed`,
    });
  }
  // Otherwise the first backup would say so, when whoever set it up has gone.
  if (there !== undefined && there.instance !== name) {
    throw new ConflictError("VAULT_FOREIGN", `The vault at "${vault}" belongs to instance "${there.instance}", not to "${name}"`, {
      hint: `Give --vault another folder, or go on with it: holdfast init --name ${there.instance}. Nothing was changed`,
      details: { owner: there.instance, vault: there.id },
    });
  }
  if (format === "archive") {
    if (wish.keyFile === undefined) return { format, isThere: there !== undefined };
    throw new UsageError("USAGE", "Archives are not encrypted, and a key file has no effect on them", {
      hint: "Leave --key-file or --format archive out",
    });
  }
  const common = { format, vault, name, cacheFolder: join(folder, ".holdfast", "cache") };
  const given = wish.keyFile === undefined ? undefined : { path: resolve(wish.keyFile), why: "as asked", besideState: false };
  if (there !== undefined && !isUnfinished(vault, there)) {
    const place = given ?? { path: join(keysHome(env), `${name}.key`), why: "it opens the vault that is there", besideState: false };
    refuseWrongKey(place.path, there, vault);
    return { ...common, keyFile: place.path, keyWhy: place.why, besideState: false, isThere: true };
  }
  const place = given ?? chooseKeyPlace({ folder, vault, instance: name, env });
  refuseInsideVault(place.path, vault);
  if (given !== undefined && place.path.startsWith(folder + sep)) {
    throw new UsageError("USAGE", `"${place.path}" would lie in the folder that it protects, and be lost together with it`, {
      hint: "Name a file elsewhere, best on another disk",
    });
  }
  return { ...common, keyFile: place.path, keyWhy: place.why, besideState: place.besideState, isThere: false };
}

/** Left by a run that was killed between making the vault and its keys. */
function isUnfinished(vault: string, { id }: VaultIdentity): boolean {
  const names = readdirSync(vault);
  return checkKeys(vault, id, []).epochs.length === 0 && names.every((name) => name === ".vault" || name === "keys");
}

function refuseWrongKey(keyFile: string, { id }: VaultIdentity, vault: string): void {
  const hint = "Name the key file that opens it with --key-file, or give --vault another folder; nothing was changed";
  if (!existsSync(keyFile)) throw new UsageError("USAGE", `"${vault}" holds a vault already, and its key is not at "${keyFile}"`, { hint });
  if (checkKeys(vault, id, [readKeyFile(keyFile)]).epochs[0]?.open === true) return;
  throw new UsageError("USAGE", `"${vault}" holds a vault already, and the key file "${keyFile}" does not open it`, { hint });
}

/** Makes the vault, with the key file and the recovery code that open it; one that is there stays as it is. */
export async function makeVault(plan: RepositoryPlan, clock: Clock): Promise<NewVault> {
  const { vault, name, keyFile, keyWhy, besideState, cacheFolder, isThere } = plan;
  if (isThere) return { keyFile, fingerprint: fingerprintOf(readKeyFile(keyFile)), keyWhy, besideState, recovery: null };
  const { fingerprint, sheet, code } = await makeKeyedVault({ vault, instance: name, keyFile, cacheFolder, clock });
  return { keyFile, fingerprint, keyWhy, besideState, recovery: { sheet, code } };
}
