import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { parseConfig, renderConfig } from "../config/index.ts";
import { ConfigError, createFile, identityAt, systemClock, UsageError, type Clock } from "../kernel/index.ts";
import { detect, type Detected, type Detection } from "./detect.ts";
import { makeVault, planVault, type NewVault, type VaultForm } from "./init-vault.ts";
import { vaultAt } from "./vault-at.ts";
import { chooseVaultPlace } from "./vault-place.ts";

export interface InitOptions {
  readonly folder: string;
  /** Where the vault goes; chosen when absent. */
  readonly vault?: string;
  readonly name?: string;
  /** Of the vault; a repository unless given, or what the vault is that is there. */
  readonly format?: VaultForm;
  /** Of a repository: the key file, which is made when it is not there. Chosen when absent. */
  readonly keyFile?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock?: Clock;
}

export interface InitResult {
  readonly file: string;
  readonly name: string;
  readonly vault: string;
  readonly vaultWhy: string;
  readonly format: VaultForm;
  /** null for archives, which have none. */
  readonly keys: NewVault | null;
  readonly detection: Detection;
}

export const CONFIG_NAME = "holdfast.yaml";

/**
 * Looks for state in a folder and writes holdfast.yaml. A repository is made at once, with a key file and a recovery code
 * that are on disk before; of archives nothing else is made. Nothing is overwritten.
 */
export async function init(options: InitOptions): Promise<InitResult> {
  const folder = resolve(options.folder);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new UsageError("USAGE", `"${options.folder}" is not a folder`);
  const file = join(folder, CONFIG_NAME);
  for (const name of [CONFIG_NAME, "holdfast.yml", "holdfast.json"]) {
    if (existsSync(join(folder, name))) {
      throw new ConfigError("CONFIG_EXISTS", `"${join(folder, name)}" is there already`, {
        hint: "Edit it, or remove it first; nothing was changed",
      });
    }
  }
  const name = options.name ?? instanceName(folder);
  const place = options.vault === undefined ? chooseVaultPlace(folder, name) : { path: resolve(options.vault), why: "as asked" };
  await refuseOccupied(place.path);
  const detection = detect(
    folder,
    [join(folder, ".holdfast"), place.path].flatMap((path) => identityAt(path) ?? []),
  );
  if (detection.found.every(({ suggested }) => suggested)) {
    throw new UsageError("USAGE", `Nothing to protect was found in "${folder}"`, {
      hint: "Name the folder that holds the state, or write holdfast.yaml by hand",
    });
  }
  const plan = await planVault({ ...options, folder, name, vault: place.path });
  const inside = relative(folder, place.path);
  const text = renderConfig({
    ...(plan.format === "archive" ? {} : { encryption: { keyFile: plan.keyFile } }),
    name,
    backupPath: inside.startsWith("..") ? place.path : inside,
    components: detection.found.map((item) => ({
      name: item.name,
      path: item.path,
      kind: item.kind,
      exclude: item.exclude,
      comment: commentOf(item),
      suggested: item.suggested,
    })),
  });
  // A name that no instance may have is refused before anything is made.
  parseConfig({ file, bytes: Buffer.from(text), env: {} });
  const keys = plan.format === "archive" ? null : await makeVault(plan, options.clock ?? systemClock);
  if (!createFile(file, text)) throw new ConfigError("CONFIG_EXISTS", `"${file}" is there already`);
  const vaultWhy = plan.isThere ? `${place.why}; the vault of "${name}" that is there already` : place.why;
  return { file, name, vault: place.path, vaultWhy, format: plan.format, keys, detection };
}

/** What lies in a vault's folder is left out of every backup, so a folder of state must not become one. */
async function refuseOccupied(vault: string): Promise<void> {
  if (!existsSync(vault)) return;
  if (statSync(vault).isDirectory() && (readdirSync(vault).length === 0 || (await vaultAt(vault)) !== undefined)) return;
  throw new UsageError("USAGE", `"${vault}" holds something that is no vault`, {
    hint: "Give --vault a folder that is empty or does not exist; nothing was changed",
  });
}

function commentOf(item: Detected): string {
  return item.files === 1 ? item.why : `${item.why}, ${item.files} files`;
}

function instanceName(folder: string): string {
  return (
    basename(folder)
      .replaceAll(/[^A-Za-z0-9]+/g, "-")
      .replaceAll(/^-+|-+$/g, "") || "instance"
  );
}
